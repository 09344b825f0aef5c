//! The plan as text.

use std::fmt::{self, Display, Formatter};

use crate::{
    plan::{Plan, Section},
    term::number,
};

impl Display for Plan {
    /// Writes the machines first, then every line with its formula, then all inputs and costs.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "# What it takes\n")?;
        for (name, label) in [
            ("gateways", "gateways"),
            ("redis-primaries", "Redis primaries"),
            ("store-nodes", "store nodes"),
            ("stored-a-day", "GiB of texts a day, one copy"),
            ("stored-with-replicas-and-headroom", "TiB of disk in all"),
            ("to-clients", "Gbit/s to clients at the peak"),
            ("price", "price a month, from the assumed prices"),
        ] {
            writeln!(f, "{:>14}  {label}", number(self.value(name).unwrap_or_default()))?;
        }
        for warning in &self.warnings {
            writeln!(f, "\nWARNING: {warning}.")?;
        }
        self.sections.iter().try_for_each(|section| write_section(f, section))?;
        writeln!(f, "\n# Measured costs\n")?;
        for cost in self.measured {
            let value = format!("{} {}", number(cost.value), cost.unit);
            writeln!(f, "{:<26}{value:>14}  {}", cost.name, cost.about)?;
            writeln!(f, "{:<42}{}, {}, `{}`", "", cost.source, cost.date, cost.command)?;
        }
        writeln!(f, "\n# Assumptions: not measured, each set by the option of its name\n")?;
        for one in &self.assumptions {
            let name = format!("--{}", one.input.name);
            writeln!(f, "{name:<26}{:>14}  {}", number(one.value), one.input.about)?;
        }
        write!(
            f,
            "\ncovered(gateways, connections, share) = gateways × (1 − (1 − share ÷ gateways)^connections)\n\
             receiving(gateways, own, others, share) = gateways × (1 − (1 − 1 ÷ gateways)^own × (1 − \
             share ÷ gateways)^others)\n"
        )
    }
}

fn write_section(f: &mut Formatter<'_>, section: &Section) -> fmt::Result {
    writeln!(f, "\n# {}\n", section.title)?;
    for line in &section.lines {
        let value = format!("{} {}", number(line.value), line.unit);
        writeln!(f, "{:<36}{:>24}  = {}", line.name, value.trim_end(), line.formula)?;
    }
    Ok(())
}
