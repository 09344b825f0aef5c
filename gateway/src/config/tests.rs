//! Layers, sources and problems.

use std::{io::Write, net::SocketAddr, time::Duration};

use super::*;

fn load(file: &str, variables: &[(&str, &str)]) -> Result<(Config, Report), Problems> {
    let mut written = tempfile::NamedTempFile::new().unwrap();
    written.write_all(file.as_bytes()).unwrap();
    let environment = variables.iter().map(|(name, value)| (name.into(), value.into()));
    Config::load((!file.is_empty()).then_some(written.path()), environment)
}

fn problems(file: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let problems = load(file, variables).map(|_| ()).unwrap_err().0;
    let named = |problem: &String| problem.split_once(".tmp").map(|(_, _)| problem.clone());
    problems.iter().map(|problem| named(problem).unwrap_or(problem.clone())).collect()
}

#[test]
fn nothing_set_is_a_whole_configuration() {
    let (config, report) = load("", &[]).unwrap();
    assert_eq!(config.serving.listen, SocketAddr::from(([127, 0, 0, 1], 8080)));
    assert_eq!(config.serving.admin_listen, SocketAddr::from(([127, 0, 0, 1], 8081)));
    assert_eq!(config.storage.kind, StoreKind::Embedded);
    assert_eq!(config.storage.data_dir.as_os_str(), "confab-data");
    assert_eq!(config.auth.access_ttl, Duration::from_secs(600));
    assert!(config.rate_limits.enabled && config.storage.redis.urls.is_empty());
    assert!(report.to_string().contains("auth.access_ttl = \"10m\""));
}

#[test]
fn environment_wins_over_file_and_file_over_default() {
    let file = "listen = '0.0.0.0:1'\norigins = ['https://a.example']\n[auth]\naccess_ttl = '5s'\nissuer = 'x'";
    let variables = [("CONFAB__AUTH__ACCESS_TTL", "250ms2"), ("CONFAB__LISTEN", "[::]:7")];
    assert!(load(file, &variables).is_err());
    let variables = [("CONFAB__AUTH__ACCESS_TTL", " 90s "), ("CONFAB__LISTEN", "[::]:7")];
    let (config, report) = load(file, &variables).unwrap();
    assert_eq!(config.auth.access_ttl, Duration::from_secs(90));
    assert_eq!(config.serving.listen.to_string(), "[::]:7");
    assert_eq!(config.auth.issuer, "x");
    assert_eq!(config.access.origins[0].to_string(), "https://a.example");
    let shown = report.to_string();
    let line = |start: &str| shown.lines().find(|line| line.starts_with(start)).unwrap();
    assert!(line("auth.access_ttl").ends_with("# environment CONFAB__AUTH__ACCESS_TTL"));
    assert!(line("auth.issuer").contains("# file "));
    assert!(line("auth.audience").ends_with("# default, CONFAB__AUTH__AUDIENCE"));
}

#[test]
fn all_problems_are_told_at_once_and_each_names_itself() {
    let file = "liste = 1\n[auth]\naccess_ttl = 5\n[limits]\nconnections = 0";
    let told = problems(
        file,
        &[
            ("CONFAB__STORE", "sqlite"),
            ("CONFAB__AUTH__SECRET", "x"),
            ("CONFAB_LISTEN", "not ours"),
            ("CONFAB__ORIGINS", "example.org"),
            ("CONFAB__TRUSTED_PROXIES", "10.0.0.0/33"),
            ("CONFAB__LOG", "info,=x=y"),
            ("CONFAB__DRAIN__DELAY", "31s"),
        ],
    );
    for named in [
        "liste: unknown setting",
        "auth.access_ttl: expected a time",
        "limits.connections: expected a whole number from 1",
        "CONFAB__STORE: expected embedded, memory or scylla",
        "CONFAB__AUTH__SECRET: unknown setting",
        "CONFAB__ORIGINS: expected origins",
        "CONFAB__TRUSTED_PROXIES: expected networks",
        "CONFAB__LOG: expected levels",
        "CONFAB__DRAIN__DELAY: longer than drain.deadline",
    ] {
        assert!(told.iter().any(|problem| problem.contains(named)), "{named} in {told:#?}");
    }
    assert_eq!(told.len(), 9, "{told:#?}");
}

#[test]
fn what_would_fail_or_be_ignored_later_is_told_at_once() {
    let told = problems(
        "[atuh]\n[auth]\n[scylla]\ndatacenter = {}",
        &[
            ("CONFAB__STORE", "scylla"),
            ("CONFAB__AUTH__SECRET_FILE", "/run/secrets/auth.key"),
            ("CONFAB__EMBEDDED__JOURNAL", "1MiB"),
            ("CONFAB__SCYLLA__USER", "confab"),
            ("CONFAB__SCYLLA__KEYSPACE", "9Bad"),
            ("CONFAB__SCYLLA__NODES", "db1:9042,foo"),
            ("CONFAB__LOG", "info,loud"),
        ],
    );
    for named in [
        "atuh: unknown setting",
        "scylla.datacenter: unknown setting",
        "CONFAB__EMBEDDED__JOURNAL: at least 64MiB",
        "CONFAB__SCYLLA__PASSWORD: required with scylla.user",
        "CONFAB__SCYLLA__KEYSPACE: expected 1 to 48 of a-z 0-9 _, a letter first",
        "CONFAB__SCYLLA__NODES: expected nodes such as 127.0.0.1:9042",
        "CONFAB__LOG: expected levels",
    ] {
        assert!(told.iter().any(|problem| problem.contains(named)), "{named} in {told:#?}");
    }
    assert_eq!(told.len(), 7, "{told:#?}");
}

#[test]
fn names_and_levels_as_they_are_written_are_taken() {
    for nodes in ["db1:9042", "10.0.0.1:1", "[::1]:9042", "db.example.org:65535", ""] {
        assert!(load("", &[("CONFAB__SCYLLA__NODES", nodes)]).is_ok(), "{nodes}");
    }
    for nodes in ["foo", "foo:", ":9042", "foo:0", "foo:65536", "foo:+1", "::1:9042", "a b:1"] {
        assert!(load("", &[("CONFAB__SCYLLA__NODES", nodes)]).is_err(), "{nodes}");
    }
    for keyspace in ["c", "confab_2", &"k".repeat(48)] {
        assert!(load("", &[("CONFAB__SCYLLA__KEYSPACE", keyspace)]).is_ok(), "{keyspace}");
    }
    for keyspace in ["_c", "Confab", "con-fab", &"k".repeat(49)] {
        assert!(load("", &[("CONFAB__SCYLLA__KEYSPACE", keyspace)]).is_err(), "{keyspace}");
    }
    for log in ["off", "WARN", "warn,gateway=debug", "gateway::ws=trace, info", "[hello{a=1}]=info"]
    {
        assert!(load("", &[("CONFAB__LOG", log)]).is_ok(), "{log}");
    }
    for log in ["loud", "gateway", "info,verbose", "gateway=loud"] {
        assert!(load("", &[("CONFAB__LOG", log)]).is_err(), "{log}");
    }
}

#[test]
fn file_that_is_missing_or_no_toml_is_a_problem() {
    let missing = Config::load(Some(Path::new("/nowhere/confab.toml")), []).unwrap_err();
    assert!(missing.to_string().starts_with("/nowhere/confab.toml: "), "{missing}");
    assert!(problems("listen = ", &[])[0].contains("line 1"));
}

#[test]
fn cluster_needs_its_nodes_and_a_key_that_all_gateways_have() {
    let told = problems("", &[("CONFAB__STORE", "scylla")]);
    assert!(told[0].starts_with("CONFAB__AUTH__SECRET_FILE: required"), "{told:?}");
    assert!(told[1].starts_with("CONFAB__SCYLLA__NODES: required"), "{told:?}");
    let (config, _) = load(
        "",
        &[
            ("CONFAB__STORE", "scylla"),
            ("CONFAB__AUTH__SECRET_FILE", "/run/secrets/auth.key"),
            ("CONFAB__SCYLLA__NODES", "127.0.0.1:9042, 127.0.0.2:9042"),
        ],
    )
    .unwrap();
    assert_eq!(config.storage.scylla.nodes, ["127.0.0.1:9042", "127.0.0.2:9042"]);
}

#[test]
fn passwords_are_not_shown() {
    let urls = "redis://user:hunter2@10.0.0.1:6379,redis://10.0.0.2:6379";
    let variables = [("CONFAB__REDIS__URLS", urls), ("CONFAB__SCYLLA__PASSWORD", "hunter2")];
    let (config, report) = load("", &variables).unwrap();
    assert_eq!(config.storage.scylla.password.as_ref().unwrap().expose(), "hunter2");
    assert!(config.storage.redis.urls[0].expose().contains("hunter2"));
    let shown = format!("{report} {report:?} {config:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("redis://***@10.0.0.1:6379"), "{shown}");
}

#[test]
fn report_is_a_file_that_gives_the_same_configuration() {
    let (_, report) =
        load("", &[("CONFAB__ORIGINS", "http://localhost:1,https://b.example")]).unwrap();
    let shown = report.to_string();
    let (_, again) = load(&shown, &[]).unwrap();
    let values = |report: &Report| -> Vec<String> {
        report
            .to_string()
            .lines()
            .map(|line| line.split("  # ").next().unwrap().trim().to_owned())
            .collect()
    };
    assert_eq!(values(&report), values(&again));
}
