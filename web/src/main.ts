/** Where the page begins. */
import { mount } from "svelte";
import App from "./App.svelte";
import { keepForOffline } from "./lib/shell/offline";
import "./styles/tokens.css";
import "./styles/base.css";

const target = document.getElementById("app");
if (target === null) throw new Error("The page has no #app.");

void keepForOffline();

export default mount(App, { target });
