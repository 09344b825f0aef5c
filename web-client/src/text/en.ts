// The texts of the first screens in English. Other languages have the same keys.

import type { ErrorCode } from "../../sdk/index";
import { languageOf } from "./sentence";

const { s, plural } = languageOf("en");

/** The gateway explains its errors in English. Other languages have a text for each code. */
const errors: Partial<Record<ErrorCode, string>> = {};

export const en = {
  page: {
    cancel: "Cancel",
    save: "Save",
    close: "Close",
    back: "Back",
    dismiss: "Dismiss",
    loading: "Loading",
    tryAgain: "Try again",
    undo: "Undo",
    you: "You",
    partNotLoaded: "This part of the page could not be loaded. Check your connection, or reload the page.",
    unreachable: "Confab cannot be reached. Check your connection and try again.",
    refused: "The server refused this page. Reload it to continue.",
    loggedOut: "You were logged out. Log in again to continue.",
  },
  login: {
    welcome: "Welcome back",
    create: "Create your account",
    logInLead: "Log in to continue where you left off.",
    createLead: "Choose a username that others can find you by.",
    isRegistered: "Already registered?",
    isNew: "New here?",
    logIn: "Log in",
    createAccount: "Create account",
    createAnAccount: "Create an account",
    username: "Username",
    usernameHint: "3–32 characters: a–z 0–9 _ . -",
    displayName: "Name shown to others",
    optional: "optional",
    demo: "This is a demo. Look around as:",
    password: "Password",
    passwordHint: "8 or more characters",
    taken: "This username is taken.",
    wrong: "The username or password is wrong.",
    tooManyAttempts: "Too many attempts. Wait a moment and try again.",
    badUsername: "A username has 3 to 32 characters: a–z 0–9 _ . -",
    shortPassword: "A password has at least 8 characters.",
    easyPassword: "This password is easy to guess. Choose another one.",
  },
  list: {
    filter: "Search",
    noneFound: "No conversation found.",
    draft: (text: string) => s`Draft: ${text}`,
    conversations: "Conversations",
    settings: "settings",
    mySettings: (username: string) => s`@${username}: settings`,
    newConversation: "New conversation",
    newGroup: "New group",
    empty: "No conversations yet.",
    findSomeone: "Find someone",
    notLoaded: "The list could not be loaded.",
    requests: "Requests",
    unread: (count: number) => plural(count, { other: "# unread" }),
    noMessages: "No messages yet",
    deleted: "Message deleted",
    typing: "typing…",
    typingIn: (name: string) => s`${name}: typing…`,
    preview: (name: string, text: string) => s`${name}: ${text}`,
    pickOne: "Pick one from the list, or start a new one.",
    yours: "Your conversations live here",
    untitled: "Untitled group",
    voice: "Voice message",
    direct: "Direct conversation",
  },
  presence: {
    others: (count: number) => plural(count, { one: "# other", other: "# others" }),
    online: "Online",
    away: "Away",
    unknown: "Presence unknown",
    lastSeen: (when: string) => s`Last seen ${when}`,
    justNow: "just now",
    todayAt: (time: string) => s`today at ${time}`,
    yesterdayAt: (time: string) => s`yesterday at ${time}`,
  },
  connection: {
    connection: "Connection",
    connecting: "Connecting…",
    offline: "Not connected. Your messages will be sent when the connection is back.",
    polling: "Limited connection: messages may arrive a little later.",
    ended: "Not connected. Reload the page to continue.",
    nextAttempt: (seconds: number) => plural(seconds, { one: "Next attempt in # second.", other: "Next attempt in # seconds." }),
    retryNow: "Retry now",
    cannotStore: "This browser cannot store your messages. Keep this page open until they are sent.",
  },
  conversation: {
    leaving: (title: string) => s`Leaving “${title}”…`,
    changeFailed: "the change failed",
    gone: (title: string) => s`You are no longer in “${title}”.`,
    unsent: (count: number) => plural(count, { one: "# unsent message was not sent.", other: "# unsent messages were not sent." }),
    draftKept: "Your draft is kept until you are back.",
    missing: "This conversation does not exist, or you are not a member.",
  },
  refusal: {
    errors,
  },
};

export type FirstTexts = typeof en;
