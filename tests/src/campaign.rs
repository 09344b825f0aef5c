//! A campaign: many short schedules of random faults on real processes. Each schedule is drawn from its
//! own seed, and its recorded answers are checked.
//!
//! [`fault`] says what can fail, [`fleet`] makes it fail, and this file draws schedules and counts.

mod damage;
mod disk;
mod fault;
mod fleet;

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

pub use self::fault::Fault;
use self::fleet::Fleet;
use crate::{
    chance::Chance,
    checker,
    figures::Figures,
    patience::{LATER, WHOLE, eventually, within},
    people::{Load, People},
};

/// Texts that are acknowledged before the first fault and between two.
const TEXTS_BETWEEN_MAX: u64 = 400;
/// How long a fault lasts.
const FAULT_MILLIS: (u64, u64) = (100, 3_000);

/// The servers of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Servers {
    /// One gateway with the embedded store.
    Embedded,
    /// Three gateways with Redis and one CQL node, and a proxy on each connection between them.
    Cluster,
    /// The same with three CQL nodes, of which one fails at a time.
    Ring,
}

/// What a campaign does.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The servers.
    pub servers: Servers,
    /// The number of schedules.
    pub schedules: usize,
    /// The seed of the first schedule. Those of the others follow it.
    pub seed: u64,
    /// Faults in each schedule.
    pub faults: usize,
    /// The only fault, or all that the servers can have.
    pub only: Option<Fault>,
    /// The fewest texts that are acknowledged in each schedule.
    pub texts: usize,
}

/// How often a fault was made, and how often somebody noticed it.
#[derive(Debug, Default, Clone, Copy)]
pub struct Count {
    /// How often it was made.
    pub made: usize,
    /// How often an answer failed or waited for its end, or a gateway reported it.
    pub noticed: usize,
}

/// The result of a campaign.
#[derive(Debug, Default)]
pub struct Report {
    /// The number of schedules.
    pub schedules: usize,
    /// Texts that were acknowledged.
    pub acknowledged: usize,
    /// Attempts to send that were not acknowledged.
    pub failed: usize,
    /// The counts of each fault, by its name.
    pub faults: BTreeMap<String, Count>,
    /// The violations, with the seeds of their schedules.
    pub findings: Vec<String>,
}

/// Runs a campaign and reports each schedule. Returns `None` if a server may be missing and is.
pub async fn run(plan: Plan, mut report: impl FnMut(&str)) -> Result<Option<Report>> {
    let mut total = Report::default();
    let Some(mut fleet) = Fleet::start(plan.servers).await? else { return Ok(None) };
    for number in 0..plan.schedules {
        let seed = plan.seed.wrapping_add(number as u64);
        if plan.servers == Servers::Embedded && number > 0 {
            let Some(next) = Fleet::start(plan.servers).await? else { return Ok(None) };
            fleet = next;
        }
        let schedule = Box::pin(Schedule::run(&plan, &mut fleet, seed));
        let one = within(WHOLE, &format!("seed {seed}"), schedule).await??;
        report(&format!("seed {seed}: {one}"));
        total.add(one);
    }
    Ok(Some(total))
}

/// One schedule that is running.
struct Schedule<'a> {
    fleet: &'a mut Fleet,
    chance: Chance,
    figures: Arc<Figures>,
    report: Report,
}

impl<'a> Schedule<'a> {
    async fn run(plan: &Plan, fleet: &'a mut Fleet, seed: u64) -> Result<Report> {
        let mut chance = Chance::new(seed);
        let figures = Arc::new(Figures::default());
        // The gateways keep their addresses, which are those of proxies.
        let (_places, urls) = watch::channel(fleet.urls());
        let load = Load {
            name: format!("-{seed}"),
            senders: 16,
            followers: 4,
            conversations: 6,
            rate: 20_000,
            stay: Duration::from_secs(2),
        };
        let people = People::gather(&load, chance.split(), urls, &figures).await?;
        figures.begin("schedule");
        let mut schedule = Self { fleet, chance, figures, report: Report::default() };
        for fault in schedule.draw(plan)? {
            schedule.wait_for_texts().await?;
            schedule.make(fault).await?;
        }
        schedule.reach(plan.texts, WHOLE).await?;
        let Self { fleet, figures, mut report, .. } = schedule;
        let history = people.disperse(&fleet.urls()).await?;
        let findings = checker::check(&history);
        report.findings = findings.iter().map(|found| format!("seed {seed}: {found}")).collect();
        report.schedules = 1;
        report.acknowledged = figures.acknowledged();
        report.failed = figures.failed();
        Ok(report)
    }

    /// Draws faults. None is drawn twice before each was drawn once.
    fn draw(&mut self, plan: &Plan) -> Result<Vec<Fault>> {
        let mut possible = self.fleet.faults();
        possible.retain(|fault| plan.only.is_none_or(|only| only == *fault));
        ensure!(!possible.is_empty(), "these servers cannot have that fault");
        let mut left = Vec::new();
        let mut drawn = Vec::new();
        while drawn.len() < plan.faults {
            if left.is_empty() {
                left.clone_from(&possible);
            }
            let at = self.chance.below(left.len() as u64);
            drawn.push(left.swap_remove(usize::try_from(at).unwrap_or(0)));
        }
        Ok(drawn)
    }

    async fn wait_for_texts(&mut self) -> Result<()> {
        let more = usize::try_from(1 + self.chance.below(TEXTS_BETWEEN_MAX))?;
        self.reach(self.figures.acknowledged() + more, LATER).await
    }

    /// Waits until this many texts are acknowledged.
    async fn reach(&self, texts: usize, deadline: Duration) -> Result<()> {
        let is_reached = async || {
            let acknowledged = self.figures.acknowledged();
            ensure!(acknowledged >= texts, "{acknowledged} of {texts} texts acknowledged");
            Ok(())
        };
        eventually(deadline, is_reached).await
    }

    async fn make(&mut self, fault: Fault) -> Result<()> {
        let (least, most) = FAULT_MILLIS;
        let length = Duration::from_millis(least + self.chance.below(most - least));
        let begun = Instant::now();
        let made = self.fleet.make(fault, &mut self.chance).await?;
        sleep(length).await;
        let is_reported = self.fleet.reports_redis_down().await;
        let ended = Instant::now();
        let delay = made.delay.unwrap_or((ended - begun) / 2);
        self.fleet.heal(made).await?;
        // Attempts that wait for the end of the fault are answered now.
        self.wait_for_texts().await?;
        let is_noticed = is_reported || self.figures.noticed(begun..ended, delay);
        let count = self.report.faults.entry(fault.to_string()).or_default();
        count.made += 1;
        count.noticed += usize::from(is_noticed);
        Ok(())
    }
}

impl Report {
    fn add(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.acknowledged += other.acknowledged;
        self.failed += other.failed;
        for (fault, count) in other.faults {
            let sum = self.faults.entry(fault).or_default();
            sum.made += count.made;
            sum.noticed += count.noticed;
        }
        self.findings.extend(other.findings);
    }

    /// Returns a table with one line for each fault.
    pub fn table(&self) -> String {
        let line = |(fault, count): (&String, &Count)| {
            format!("| {fault} | {} | {} |\n", count.made, count.noticed)
        };
        let lines: Vec<_> = self.faults.iter().map(line).collect();
        format!("| fault | made | noticed |\n|---|---:|---:|\n{}", lines.concat())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acknowledged, failed, faults, findings, .. } = self;
        let made: usize = faults.values().map(|count| count.made).sum();
        let noticed: usize = faults.values().map(|count| count.noticed).sum();
        write!(
            f,
            "{acknowledged} texts acknowledged, {failed} attempts failed, {made} faults, {noticed} noticed, {} violations",
            findings.len()
        )
    }
}
