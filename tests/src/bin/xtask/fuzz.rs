//! `cargo xtask fuzz`: invents inputs for the parsers, for a while each (see fuzz/README.md).
//!
//! LLVM's counters show which inputs reach new code. Stable Rust can switch them on, so neither
//! cargo-fuzz nor a nightly compiler is needed.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use tokio::process::Command;

use crate::run::{MINUTE, cargo, run, target, workspace};

/// What LLVM counts: basic blocks, and the operands of comparisons.
const FLAGS: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Bytes of the largest input.
const INPUT_BYTES_MAX: u32 = 4_096;
/// Bytes of the largest input that is committed.
const KEPT_INPUT_BYTES_MAX: u32 = 512;
/// Bytes of one committed corpus.
const KEPT_BYTES_MAX: usize = 20 * 1024;
/// Inputs of one committed corpus.
const KEPT_INPUTS_MAX: usize = 100;

/// Which targets, and how long.
#[derive(Debug, Args)]
pub(crate) struct Fuzz {
    /// The targets: the folders of fuzz/corpus (default: all)
    targets: Vec<String>,
    /// Seconds for each target
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Replace the committed corpora by the smallest inputs that reach the same code
    #[arg(long)]
    keep: bool,
}

impl Fuzz {
    /// Runs the targets one after the other and prints a table. Fails if an input breaks a promise.
    #[expect(clippy::print_stdout, reason = "the table")]
    pub(crate) async fn run(&self) -> Result<()> {
        let program = build().await?;
        let mut rows = Vec::new();
        for target in self.targets()? {
            let target = Target::new(&program, &target)?;
            rows.push(target.run(self.seconds).await?);
            if self.keep {
                target.keep().await?;
            }
        }
        println!(
            "\n| target | executions | edges | inputs | findings |\n|---|---:|---:|---:|---:|"
        );
        for row in &rows {
            println!("{}", row.line());
        }
        let found: Vec<_> =
            rows.iter().filter(|row| row.findings > 0).map(|row| &*row.name).collect();
        ensure!(found.is_empty(), "findings: {} (see {})", found.join(", "), folder().display());
        Ok(())
    }

    fn targets(&self) -> Result<Vec<String>> {
        let known = names(&workspace().join("fuzz/corpus"))?;
        let unknown = self.targets.iter().find(|target| !known.contains(target));
        ensure!(
            unknown.is_none(),
            "{} is not one of {}",
            self.targets.join(", "),
            known.join(", ")
        );
        Ok(if self.targets.is_empty() { known } else { self.targets.clone() })
    }
}

/// Returns the folder of everything that a run leaves.
fn folder() -> PathBuf {
    target().join("fuzzing")
}

/// Builds the program of all targets, with counters in every crate.
async fn build() -> Result<PathBuf> {
    let host = host().await?;
    let build =
        format!("build --profile fuzz -p fuzz --features libfuzzer --bin fuzz --target {host}");
    run(cargo(&build).env("RUSTFLAGS", FLAGS), 30 * MINUTE).await?;
    Ok(target().join(host).join("fuzz/fuzz"))
}

/// Returns this platform. Flags do not apply to build scripts if it is given as the target.
async fn host() -> Result<String> {
    let about = Command::new("rustc").arg("-vV").output().await?;
    let about = String::from_utf8(about.stdout)?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc names no host")
}

/// A target and its folders.
struct Target<'a> {
    program: &'a Path,
    name: String,
    /// The inputs in the repository.
    committed: PathBuf,
    /// The inputs of earlier runs on this machine.
    invented: PathBuf,
    /// The inputs that broke a promise.
    findings: PathBuf,
}

/// The result of a run.
struct Row {
    name: String,
    executions: u64,
    edges: u64,
    inputs: usize,
    findings: usize,
}

impl<'a> Target<'a> {
    fn new(program: &'a Path, name: &str) -> Result<Self> {
        let target = Self {
            program,
            name: name.to_owned(),
            committed: workspace().join("fuzz/corpus").join(name),
            invented: folder().join("inputs").join(name),
            findings: folder().join("findings").join(name),
        };
        fs::create_dir_all(&target.invented)?;
        fs::create_dir_all(&target.findings)?;
        Ok(target)
    }

    fn program(&self) -> Command {
        let mut program = Command::new(self.program);
        program.env("CONFAB_FUZZ_TARGET", &self.name).arg("-rss_limit_mb=1024");
        program
    }

    /// Invents inputs for this time.
    async fn run(&self, seconds: u64) -> Result<Row> {
        let log = folder().join(format!("{}.log", self.name));
        let mut program = self.program();
        program
            .args([&self.invented, &self.committed])
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-max_len={INPUT_BYTES_MAX}"))
            .arg(format!("-artifact_prefix={}/", self.findings.display()))
            .args(["-timeout=10", "-print_final_stats=1"])
            .stderr(fs::File::create(&log)?);
        let dictionary = workspace().join("fuzz/dictionaries").join(format!("{}.dict", self.name));
        if dictionary.is_file() {
            program.arg(format!("-dict={}", dictionary.display()));
        }
        let ended = run(&mut program, Duration::from_secs(seconds) + 2 * MINUTE).await;
        let log = String::from_utf8_lossy(&fs::read(log)?).into_owned();
        let findings = names(&self.findings)?.len();
        if findings == 0 {
            ended.with_context(|| log.lines().rev().take(20).collect::<Vec<_>>().join("\n"))?;
        }
        Ok(Row {
            name: self.name.clone(),
            executions: last_number(&log, "stat::number_of_executed_units:"),
            edges: last_number(&log, "cov:"),
            inputs: names(&self.invented)?.len(),
            findings,
        })
    }

    /// Replaces the committed corpus: the smallest inputs that reach the most code.
    async fn keep(&self) -> Result<()> {
        let merged = tempfile::tempdir_in(folder())?;
        let mut program = self.program();
        program
            .args(["-set_cover_merge=1", &format!("-max_len={KEPT_INPUT_BYTES_MAX}")])
            .arg(merged.path())
            .args([&self.committed, &self.invented])
            .stderr(fs::File::create(folder().join(format!("{}.merge.log", self.name)))?);
        run(&mut program, 10 * MINUTE).await?;
        let mut inputs: Vec<Vec<u8>> = Vec::new();
        for name in names(merged.path())? {
            inputs.push(fs::read(merged.path().join(name))?);
        }
        inputs.sort_by_key(Vec::len);
        fs::remove_dir_all(&self.committed)?;
        fs::create_dir_all(&self.committed)?;
        let mut bytes = 0;
        // Of too many inputs, some of every size are kept.
        let step = inputs.len().div_ceil(KEPT_INPUTS_MAX).max(1);
        for (number, input) in inputs.iter().step_by(step).enumerate() {
            bytes += input.len();
            if bytes > KEPT_BYTES_MAX {
                break;
            }
            fs::write(self.committed.join(format!("{number:02}")), input)?;
        }
        Ok(())
    }
}

impl Row {
    fn line(&self) -> String {
        let Self { name, executions, edges, inputs, findings } = self;
        format!("| {name} | {executions} | {edges} | {inputs} | {findings} |")
    }
}

/// Returns the names in a folder, sorted.
fn names(folder: &Path) -> Result<Vec<String>> {
    let files = fs::read_dir(folder).with_context(|| format!("no {}", folder.display()))?;
    let names = files.map(|file| Ok(file?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<Result<Vec<_>>>()?;
    names.sort_unstable();
    Ok(names)
}

/// Returns the number after the last occurrence of a label, or 0.
fn last_number(log: &str, label: &str) -> u64 {
    let number = log.rsplit_once(label).and_then(|(_, rest)| rest.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}
