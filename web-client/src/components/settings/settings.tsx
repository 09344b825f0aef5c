// The settings of this user: a dialog with a menu and a page for each topic.

import { createSignal, type JSX, Match, onMount, Show, Switch } from "solid-js";
import type { Me } from "../../../sdk/index";
import { chosenTheme } from "../../browser/theme";
import { nameOf } from "../../logic/format";
import { errorText } from "../../logic/refusals";
import { useModel } from "../../state/model_context";
import { chosenLanguage, t } from "../../text/language";
import { Avatar } from "../avatar";
import { Dialog } from "../dialog";
import { later } from "../later";
import { BellIcon, BlockIcon, DeviceIcon, EyeIcon, KeyIcon, LanguageIcon, LeaveIcon, NextIcon, PersonIcon, ThemeIcon } from "../more_icons";
import { Skeleton } from "../skeleton";
import { AlertsPage } from "./alerts_page";
import { AppearancePage, nameOfTheme } from "./appearance_page";
import { BlockedPage } from "./blocked_page";
import { DevicesPage } from "./devices_page";
import { LanguagePage, nameOfLanguage } from "./language_page";
import { NamePage } from "./name_page";
import { PasswordPage } from "./password_page";
import { PrivacyPage } from "./privacy_page";
import "../../styles/settings.css";

const LogOut = later(async () => (await import("../log_out")).LogOut);

type Page = "name" | "password" | "devices" | "privacy" | "blocked" | "language" | "appearance" | "alerts";

export function Settings(props: { onClose: () => void }) {
  const model = useModel();
  const [page, setPage] = createSignal<Page>();
  const [me, setMe] = createSignal<Me>();
  const [error, setError] = createSignal<string>();
  const [isLeaving, setLeaving] = createSignal(false);
  const [done, setDone] = createSignal<string>();
  let previous: Page | undefined;

  onMount(async () => {
    try {
      setMe(await model.client.rest.me());
    } catch (problem) {
      setError(errorText(problem));
    }
  });

  /** Returns to the menu. The focus returns to the item of the page that was open, and the menu says what was done. */
  function back(done?: string): void {
    previous = page();
    setDone(done);
    setPage(undefined);
  }

  const myName = () => nameOf(model.people.get(model.me.id));
  const title = () => {
    const current = page();
    return current ? t().settings[current] : t().settings.settings;
  };

  function Item(itemProps: { page: Page; icon: JSX.Element; value?: string }) {
    let button!: HTMLButtonElement;
    onMount(() => previous === itemProps.page && button.focus());
    return (
      <li>
        <button
          ref={button} type="button" class="dialog-row settings-item" data-testid={`settings-${itemProps.page}`}
          onClick={() => setPage(itemProps.page)}
        >
          {itemProps.icon}
          <span>{t().settings[itemProps.page]}</span>
          <bdi class="settings-item-value">{itemProps.value}</bdi>
          <NextIcon />
        </button>
      </li>
    );
  }

  function Menu() {
    return (
      <>
        <div class="settings-profile" data-testid="settings-profile">
          <Avatar id={model.me.id} name={myName()} />
          <p class="settings-row-text">
            <bdi class="settings-profile-name">{myName()}</bdi>
            <bdi class="settings-row-hint">@{model.me.username}</bdi>
          </p>
        </div>
        <ul class="settings-menu">
          <Item page="name" icon={<PersonIcon />} />
          <Item page="password" icon={<KeyIcon />} />
          <Item page="devices" icon={<DeviceIcon />} />
          <Item page="alerts" icon={<BellIcon />} />
          <Item page="language" icon={<LanguageIcon />} value={nameOfLanguage(chosenLanguage())} />
          <Item page="appearance" icon={<ThemeIcon />} value={nameOfTheme(chosenTheme())} />
          <Show when={me()?.privacy}>
            <Item page="privacy" icon={<EyeIcon />} />
            <Item page="blocked" icon={<BlockIcon />} />
          </Show>
          <li>
            <button type="button" class="dialog-row settings-item danger" data-testid="log-out" onClick={() => setLeaving(true)}>
              <LeaveIcon />
              <span>{t().logOut.confirm}</span>
            </button>
          </li>
        </ul>
        <Show when={!me() && !error()}>
          <Skeleton kind="people" count={2} testid="settings-loading" />
        </Show>
        <p class="settings-done" role="status" data-testid="settings-done">{done()}</p>
        <Show when={error()}>
          <p class="form-error" role="alert">{error()}</p>
        </Show>
      </>
    );
  }

  return (
    <Dialog title={title()} testid="settings-dialog" onClose={() => props.onClose()} onBack={page() && (() => back())}>
      <Switch fallback={<Menu />}>
        <Match when={page() === "name"}>
          <NamePage onDone={back} />
        </Match>
        <Match when={page() === "password"}>
          <PasswordPage onDone={back} />
        </Match>
        <Match when={page() === "devices"}>
          <DevicesPage />
        </Match>
        <Match when={page() === "privacy" && me()?.privacy}>
          {(privacy) => <PrivacyPage privacy={privacy()} onChange={(it) => setMe((all) => all && { ...all, privacy: it })} />}
        </Match>
        <Match when={page() === "alerts"}>
          <AlertsPage />
        </Match>
        <Match when={page() === "language"}>
          <LanguagePage />
        </Match>
        <Match when={page() === "appearance"}>
          <AppearancePage />
        </Match>
        <Match when={page() === "blocked"}>
          <BlockedPage />
        </Match>
      </Switch>
      <Show when={isLeaving()}>
        <LogOut onClose={() => setLeaving(false)} />
      </Show>
    </Dialog>
  );
}
