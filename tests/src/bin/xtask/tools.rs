//! Finds or installs the programs that tests run.
//!
//! Root installs missing Debian packages. Other users get a list of what to install.

use anyhow::{Result, ensure};
use rustix::process::geteuid;
use tests::servers::{find, is_ci};
use tokio::process::Command;

use crate::run::{MINUTE, run};

/// A program, and the Debian package that has it.
struct Tool {
    program: &'static str,
    package: &'static str,
    purpose: &'static str,
    /// True if CI fails without it.
    required: bool,
}

const TOOLS: &[Tool] = &[
    Tool { program: "node", package: "nodejs", purpose: "the web client", required: true },
    Tool { program: "npm", package: "npm", purpose: "the web client", required: true },
    Tool { program: "chromium", package: "chromium", purpose: "two browsers", required: true },
    Tool { program: "redis-server", package: "redis-server", purpose: "the bus", required: true },
    Tool {
        program: "java",
        package: "openjdk-17-jre-headless",
        purpose: "Cassandra",
        required: true,
    },
    Tool { program: "mvn", package: "maven", purpose: "Cassandra", required: true },
    Tool { program: "haproxy", package: "haproxy", purpose: "load balancing", required: true },
    Tool { program: "nginx", package: "nginx", purpose: "the reverse proxy", required: true },
    Tool { program: "python3", package: "python3-venv", purpose: "schemathesis", required: false },
    Tool { program: "systemd-analyze", package: "systemd", purpose: "the unit", required: true },
];

/// Installs missing programs where possible. Fails in CI if a required one is missing.
#[expect(clippy::print_stdout, reason = "the list of missing programs")]
pub(crate) async fn provide() -> Result<()> {
    let missing = || TOOLS.iter().filter(|tool| find(tool.program).is_none());
    if missing().next().is_some() && geteuid().is_root() && find("apt-get").is_some() {
        let installed = install(missing().map(|tool| tool.package)).await;
        println!("installing: {installed:?}");
    }
    for tool in missing() {
        println!("missing: {} for {} (Debian: {})", tool.program, tool.purpose, tool.package);
    }
    let lacking: Vec<_> = missing().filter(|tool| tool.required).map(|tool| tool.program).collect();
    ensure!(lacking.is_empty() || !is_ci(), "missing: {}", lacking.join(", "));
    Ok(())
}

async fn install(packages: impl Iterator<Item = &str>) -> Result<()> {
    run(Command::new("apt-get").args(["-qq", "update"]), 5 * MINUTE).await?;
    let mut install = Command::new("apt-get");
    install
        .args(["-qq", "-y", "--no-install-recommends", "install"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        // The tests start servers themselves.
        .env("RUNLEVEL", "1");
    run(&mut install, 15 * MINUTE).await
}
