//! Runs the proxies with the files of `deploy/`, and checks its other files.
//!
//! In reading order: [`proxy`] starts HAProxy and nginx on free ports, [`passing`] sends every
//! transport through them, [`draining`] drains and kills gateways behind them, [`rolling`] restarts
//! gateways under load, and [`files`] runs linters on the other files.

mod draining;
mod files;
mod passing;
mod proxy;
mod rolling;

use std::path::{Path, PathBuf};

/// Returns the path of a file or folder of `deploy/`.
fn deployed(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy")).join(path)
}

/// Makes two tests of each `async fn scenario(kind: Kind) -> Result<()>`.
macro_rules! behind_both_proxies {
    ($($scenario:ident),+ $(,)?) => {
        mod behind_haproxy {
            $(#[tokio::test]
            async fn $scenario() -> tests::Result<()> {
                super::$scenario($crate::proxy::Kind::HaProxy).await
            })+
        }
        mod behind_nginx {
            $(#[tokio::test]
            async fn $scenario() -> tests::Result<()> {
                super::$scenario($crate::proxy::Kind::Nginx).await
            })+
        }
    };
}
use behind_both_proxies;
