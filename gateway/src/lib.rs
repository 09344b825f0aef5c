//! Sockets, HTTP, WebSocket and configuration: the process of Confab.
//!
//! In reading order: [`config`] is what an operator says; [`gateway`] assembles everything, runs it
//! and drains it; [`listener`] takes connections, [`front`] is what every request passes; [`rest`],
//! [`poll`] and [`ws`] are the three spellings of a command, [`protocol`] is their JSON and
//! [`error`] their errors; [`app`] is what they all have at hand, [`tokens`] who is asking,
//! [`origin`] from which page, [`admission`] how much; [`page`] is the web client. [`admin`],
//! [`health`], [`metrics`], [`metered`] and [`logs`] are for operators.

pub mod admin;
pub mod admission;
pub mod app;
pub mod config;
pub mod error;
pub mod front;
pub mod gateway;
pub mod health;
pub mod listener;
pub mod logs;
pub mod metered;
pub mod metrics;
pub mod origin;
pub mod page;
pub mod poll;
pub mod protocol;
pub mod rest;
pub mod secret;
pub mod tokens;
pub mod ws;
