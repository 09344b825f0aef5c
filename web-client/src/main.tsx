// The entry point of the page.

import { render } from "solid-js/web";
import { loadUser } from "./browser/logins";
import { startTheme } from "./browser/theme";
import { App, loadScreen } from "./components/app";
import { restoreLogin } from "./state/account";
import { loadTexts } from "./text/language";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/avatar.css";
import "./styles/layout.css";
import "./styles/list.css";

const root = document.getElementById("root");
if (!root) throw new Error("the page has no root");
startTheme();
Promise.all([loadTexts(), loadScreen(loadUser() !== undefined), restoreLogin()]).then(
  () => render(() => <App />, root),
  () => (root.textContent = "Confab could not be loaded. Reload the page."),
);
