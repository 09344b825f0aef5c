// A button that opens a menu. Arrow keys move in it; Escape, Tab and a click outside close it.

import { createSignal, createUniqueId, type JSX, onCleanup, Show } from "solid-js";
import { unmarked } from "../text/sentence";
import "../styles/menu.css";

const STEPS: Record<string, (at: number, count: number) => number> = {
  ArrowDown: (at, count) => (at + 1) % count,
  ArrowUp: (at, count) => (at - 1 + count) % count,
  Home: () => 0,
  End: (_, count) => count - 1,
};

interface MenuProps {
  label: string;
  testid: string;
  icon: JSX.Element;
  children: JSX.Element;
  onOpen?: () => void;
}

export function Menu(props: MenuProps) {
  const [isOpen, setOpen] = createSignal(false);
  const id = createUniqueId();
  let button!: HTMLButtonElement;

  function open(): void {
    props.onOpen?.();
    setOpen(true);
  }

  function close(): void {
    setOpen(false);
    button.focus();
  }

  return (
    <div class="menu-place">
      <button
        ref={button} type="button" class="icon-button" data-testid={props.testid} aria-label={unmarked(props.label)} title={props.label}
        aria-haspopup="menu" aria-expanded={isOpen()} aria-controls={isOpen() ? id : undefined}
        onClick={() => (isOpen() ? close() : open())}
      >
        {props.icon}
      </button>
      <Show when={isOpen()}>
        <MenuItems id={id} label={props.label} onClose={close} onLeave={() => setOpen(false)}>
          {props.children}
        </MenuItems>
      </Show>
    </div>
  );
}

function MenuItems(props: { id: string; label: string; onClose: () => void; onLeave: () => void; children: JSX.Element }) {
  let list!: HTMLDivElement;
  const items = () => [...list.querySelectorAll<HTMLElement>("[role=menuitem]")];

  function pressed(event: KeyboardEvent): void {
    if (event.key === "Tab") return props.onLeave();
    if (event.key === "Escape") {
      event.stopPropagation();
      return props.onClose();
    }
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const all = items();
    all[step(all.indexOf(document.activeElement as HTMLElement), all.length)]?.focus();
  }

  const leave = (event: Event) => {
    if (event.target instanceof Node && !list.parentElement?.contains(event.target)) props.onLeave();
  };
  document.addEventListener("pointerdown", leave);
  onCleanup(() => document.removeEventListener("pointerdown", leave));
  queueMicrotask(() => {
    items()[0]?.focus();
    list.scrollIntoView({ block: "nearest" });
  });

  return (
    <div ref={list} id={props.id} class="menu" role="menu" aria-label={unmarked(props.label)} onKeyDown={pressed} onClick={() => props.onClose()}>
      {props.children}
    </div>
  );
}

export function MenuItem(props: { testid: string; icon: JSX.Element; isDanger?: boolean; onPick: () => void; children: JSX.Element }) {
  return (
    <button
      type="button" role="menuitem" class="menu-item" classList={{ danger: props.isDanger ?? false }} tabIndex={-1}
      data-testid={props.testid} onClick={() => props.onPick()}
    >
      {props.icon}
      <span>{props.children}</span>
    </button>
  );
}
