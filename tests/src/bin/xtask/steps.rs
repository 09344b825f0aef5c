//! The steps of a command, and the summary of their results.

use std::process::ExitCode;

use anyhow::{Context, Result};
use tests::{cassandra::Cassandra, opensearch::OpenSearch, s3::S3};
use tokio::time::Instant;

use crate::{
    autobahn,
    run::{MINUTE, cargo, run, target},
    schema, tools, web,
};

/// One step of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Finds or installs the programs that the other steps run.
    Tools,
    /// Runs `cargo fmt --check`.
    Format,
    /// Runs clippy with warnings as errors.
    Clippy,
    /// Builds the release binary.
    Build,
    /// Runs all other tests of Rust.
    Test,
    /// Lets the simulation find planted bugs.
    Bugs,
    /// Runs the tests of the backends on real servers.
    Stores,
    /// Runs the unit tests of the domain.
    Units,
    /// Checks the house rules.
    Tidy,
    /// Checks TypeScript's types.
    WebTypes,
    /// Runs the tests of the web client.
    WebTests,
    /// Compares the committed `dist/` with a new build.
    WebDist,
    /// Lets two browsers talk to each other.
    Browser,
    /// Runs Autobahn's cases against the gateway's frames.
    Autobahn,
    /// Calls a gateway with what its schema allows and forbids.
    Schema,
}

/// The steps of `cargo xtask test`, cheap ones first.
pub(crate) const TEST: &[Step] = &[
    Step::Tools,
    Step::Format,
    Step::WebTypes,
    Step::WebTests,
    Step::WebDist,
    Step::Clippy,
    Step::Build,
    Step::Browser,
    Step::Schema,
    Step::Stores,
    Step::Bugs,
    Step::Test,
    Step::Autobahn,
];

/// The steps of `cargo xtask check`.
pub(crate) const CHECK: &[Step] = &[Step::Format, Step::Clippy, Step::Units, Step::Tidy];

/// The result of a step.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The step succeeded.
    Passed,
    /// The step failed.
    Failed(String),
    /// The step could not run because a program is missing.
    Skipped(String),
}

impl From<Result<()>> for Verdict {
    fn from(result: Result<()>) -> Self {
        match result {
            Ok(()) => Self::Passed,
            Err(error) => Self::Failed(format!("{error:#}")),
        }
    }
}

impl Step {
    /// Returns the name for `--only`.
    const fn name(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Format => "fmt",
            Self::Clippy => "clippy",
            Self::Build => "build",
            Self::Bugs => "bugs",
            Self::Stores => "stores",
            Self::Test => "test",
            Self::Units => "units",
            Self::Tidy => "tidy",
            Self::WebTypes => "web-types",
            Self::WebTests => "web-tests",
            Self::WebDist => "web-dist",
            Self::Browser => "browser",
            Self::Autobahn => "autobahn",
            Self::Schema => "schema",
        }
    }

    const fn about(self) -> &'static str {
        match self {
            Self::Tools => "find, or as root install, the programs that tests run",
            Self::Format => "cargo fmt --check",
            Self::Clippy => "cargo clippy, warnings are errors",
            Self::Build => "release build of confab",
            Self::Bugs => "the simulation finds each planted bug",
            Self::Stores => "cargo test of backends, on Redis, Cassandra, OpenSearch and S3",
            Self::Test => "cargo test of everything else, against the release binary",
            Self::Units => "cargo test of chat-core and presence",
            Self::Tidy => "house rules that no compiler checks",
            Self::WebTypes => "TypeScript's types",
            Self::WebTests => "tests of the SDK and the page",
            Self::WebDist => "the committed dist/ is what its sources build",
            Self::Browser => "two browsers talk to each other through the release binary",
            Self::Autobahn => "Autobahn's WebSocket cases, where CPython 2.7 is installed",
            Self::Schema => "schemathesis calls a gateway by its /openapi.json",
        }
    }

    /// Returns the step that must succeed before this one.
    const fn needs(self) -> Option<Self> {
        if matches!(self, Self::Browser | Self::Schema | Self::Test) {
            Some(Self::Build)
        } else {
            None
        }
    }

    /// Returns the steps with these names, or all steps without names.
    pub(crate) fn choose(all: &[Self], only: &[String]) -> Result<Vec<Self>> {
        let named = |name: &String| {
            let found = all.iter().copied().find(|step| step.name() == name);
            found.with_context(|| format!("no step is called {name}: see --list"))
        };
        if only.is_empty() { Ok(all.to_vec()) } else { only.iter().map(named).collect() }
    }

    async fn run(self) -> Verdict {
        let (minutes, arguments) = match self {
            Self::Format => (2, "fmt --all --check"),
            Self::Clippy => (20, "clippy --workspace --all-targets -- -D warnings"),
            Self::Build => (30, "build --release -p gateway"),
            Self::Bugs => {
                (30, "test --workspace --features simulation/planted-bugs --test planted_bugs")
            }
            Self::Test => (40, "test --workspace --exclude backends --no-fail-fast"),
            Self::Units => (10, "test -p chat-core -p presence --lib"),
            Self::Tidy => (10, "test -p tests --test tidy"),
            Self::Tools => return tools::provide().await.into(),
            Self::Stores => return stores().await.into(),
            Self::WebTypes => return web::npm("run check").await,
            Self::WebTests => return web::npm("test").await,
            Self::WebDist => return web::dist().await,
            Self::Browser => return web::browsers(&target().join("release/confab")).await,
            Self::Autobahn => return autobahn::test().await,
            Self::Schema => return schema::check(&target().join("release/confab")).await,
        };
        run(&mut cargo(arguments), minutes * MINUTE).await.into()
    }
}

/// Runs the tests of the backends on one Cassandra, one OpenSearch and one S3 server.
async fn stores() -> Result<()> {
    let cassandra = Cassandra::one().await?;
    let mut tests = cargo("test -p backends --no-fail-fast");
    if let Some(cassandra) = &cassandra {
        tests.env("CONFAB_TEST_CQL", cassandra.nodes());
    }
    let engine = OpenSearch::start().await?;
    if let Some(engine) = &engine {
        tests.env("CONFAB_TEST_OPENSEARCH", engine.url());
    }
    let s3 = S3::start().await?;
    if let Some(s3) = &s3 {
        tests.env("CONFAB_TEST_S3", s3.place());
    }
    run(&mut tests, 30 * MINUTE).await
}

/// Prints the names of the steps.
#[expect(clippy::print_stdout, reason = "the answer")]
pub(crate) fn list(steps: &[Step]) {
    for step in steps {
        println!("{:10} {}", step.name(), step.about());
    }
}

/// Runs the steps and prints a summary.
#[expect(clippy::print_stdout, reason = "the summary")]
pub(crate) async fn all(steps: &[Step]) -> ExitCode {
    let mut results: Vec<(Step, Verdict, f32)> = Vec::new();
    for &step in steps {
        println!("\n=== {}: {}", step.name(), step.about());
        let begun = Instant::now();
        let failed = |need: &Step| {
            results.iter().any(|(done, verdict, _)| {
                done == need && matches!(verdict, Verdict::Failed(_) | Verdict::Skipped(_))
            })
        };
        let verdict = match step.needs().filter(failed) {
            Some(need) => Verdict::Failed(format!("needs the step {}", need.name())),
            None => step.run().await,
        };
        let seconds = begun.elapsed().as_secs_f32();
        println!("--- {}", line(step, &verdict, seconds));
        results.push((step, verdict, seconds));
    }
    println!("\n=== summary");
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (step, verdict, seconds) in &results {
        println!("{}", line(*step, verdict, *seconds));
        match verdict {
            Verdict::Passed => passed += 1,
            Verdict::Failed(_) => failed += 1,
            Verdict::Skipped(_) => skipped += 1,
        }
    }
    println!("\n{passed} passed, {failed} failed, {skipped} skipped");
    if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn line(step: Step, verdict: &Verdict, seconds: f32) -> String {
    let (word, why) = match verdict {
        Verdict::Passed => ("passed", String::new()),
        Verdict::Failed(why) => ("FAILED", format!(": {why}")),
        Verdict::Skipped(why) => ("SKIPPED", format!(": {why}")),
    };
    format!("{word:8} {:10} {seconds:7.1} s{why}", step.name())
}
