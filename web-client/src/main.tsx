// The entry point of the page.

import { render } from "solid-js/web";
import { App } from "./components/app";
import { restoreLogin } from "./state/account";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/avatar.css";
import "./styles/layout.css";
import "./styles/list.css";

const root = document.getElementById("root");
if (!root) throw new Error("the page has no root");
restoreLogin();
render(() => <App />, root);
