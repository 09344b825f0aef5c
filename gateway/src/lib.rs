//! Sockets, HTTP, WebSocket and configuration: the process of Confab.
