//! The proxies in front of gateways, run with the very files of `deploy/`, and what else is there.
//!
//! In reading order: [`proxy`] starts HAProxy and nginx on free ports, [`passing`] is what passes
//! through them, [`draining`] what they do when a gateway goes, [`rolling`] gateways that are
//! restarted under load, and [`files`] what the linters of the other files say.

mod draining;
mod files;
mod passing;
mod proxy;
mod rolling;

use std::path::{Path, PathBuf};

/// A file or folder of `deploy/`.
fn deployed(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy")).join(path)
}

/// Makes two tests of each scenario, an `async fn scenario(kind: Kind) -> Result<()>`.
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
