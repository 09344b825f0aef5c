//! Sockets, HTTP, WebSocket and configuration: the process of Confab.
//!
//! In reading order: [`config`] reads the settings. [`gateway`] assembles everything, runs it and
//! drains it. [`listener`] accepts connections, and every request passes [`front`]. [`rest`],
//! [`poll`] and [`ws`] are three transports for the same commands; [`protocol`] is their JSON,
//! [`error`] their errors, and [`frame`] puts events into WebSocket frames. They share [`app`], which holds [`tokens`] for access tokens and
//! [`admission`] for rate limits. [`unread`] bounds what clients have not read, [`origin`] decides which pages
//! may send requests, and [`page`] is the web client. [`admin`], [`health`], [`metrics`] and [`logs`] are for operators,
//! and [`demo`] is for people who look around.

pub mod admin;
pub mod admission;
pub mod app;
pub mod config;
pub mod demo;
pub mod error;
pub mod frame;
pub mod front;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod gateway;
pub mod health;
pub mod listener;
pub mod logs;
pub mod metrics;
pub mod origin;
pub mod page;
pub mod poll;
pub mod protocol;
pub mod rest;
pub mod secret;
pub mod tokens;
pub mod unread;
pub mod ws;
