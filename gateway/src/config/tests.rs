//! Layers, sources and problems.

use std::{fs, io::Write, net::SocketAddr, time::Duration};

use super::*;

fn load(file: &str, variables: &[(&str, &str)]) -> Result<(Config, Report), Problems> {
    let mut written = tempfile::NamedTempFile::new().unwrap();
    written.write_all(file.as_bytes()).unwrap();
    let environment = variables.iter().map(|(name, value)| (name.into(), value.into()));
    Config::load((!file.is_empty()).then_some(written.path()), environment)
}

fn problems(file: &str, variables: &[(&str, &str)]) -> Vec<String> {
    load(file, variables).map(|_| ()).unwrap_err().0
}

fn assert_problems(file: &str, variables: &[(&str, &str)], expected: &[&str]) {
    let problems = problems(file, variables);
    for named in expected {
        let is_named = |problem: &String| problem.ends_with(named) || problem.starts_with(named);
        assert!(problems.iter().any(is_named), "{named} in {problems:#?}");
    }
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
}

#[test]
fn defaults_are_used_when_nothing_is_set() {
    let (config, report) = load("", &[]).unwrap();
    assert_eq!(config.listen, SocketAddr::from(([127, 0, 0, 1], 8080)));
    assert_eq!(config.admin.listen, SocketAddr::from(([127, 0, 0, 1], 8081)));
    assert_eq!(config.store, StoreKind::Embedded);
    assert_eq!(config.data_dir.as_os_str(), "confab-data");
    assert_eq!(config.auth.access_ttl, Duration::from_secs(600));
    assert!(config.rate_limits.enabled && config.redis.urls.is_empty());
    let printed = report.to_string();
    assert!(printed.contains("auth.access_ttl = \"10m\""), "{printed}");
    assert!(printed.contains("embedded.journal = \"256MiB\""), "{printed}");
    assert!(printed.contains("# scylla.datacenter is not set"), "{printed}");
}

#[test]
fn environment_overrides_file_and_file_overrides_default() {
    let file = "listen = '0.0.0.0:1'\norigins = ['https://a.example']\n[auth]\naccess_ttl = '5s'\nissuer = 'x'";
    let variables = [("CONFAB__AUTH__ACCESS_TTL", "250ms2"), ("CONFAB__LISTEN", "[::]:7")];
    assert!(load(file, &variables).is_err());
    let variables = [("CONFAB__AUTH__ACCESS_TTL", " 90s "), ("CONFAB__LISTEN", "[::]:7")];
    let (config, report) = load(file, &variables).unwrap();
    assert_eq!(config.auth.access_ttl, Duration::from_secs(90));
    assert_eq!(config.listen.to_string(), "[::]:7");
    assert_eq!(config.auth.issuer, "x");
    assert_eq!(config.origins[0].to_string(), "https://a.example");
    let printed = report.to_string();
    let line = |start: &str| printed.lines().find(|line| line.starts_with(start)).unwrap();
    assert!(line("auth.access_ttl").ends_with("# environment CONFAB__AUTH__ACCESS_TTL"));
    assert!(line("auth.issuer").contains("# file "));
    assert!(line("auth.audience").ends_with("# default, CONFAB__AUTH__AUDIENCE"));
}

#[test]
fn text_takes_the_type_of_the_setting() {
    let (config, _) = load(
        "log = 'warn'\n[limits]\nconnections = '7'\n[auth]\nissuer = 5\npassword_workers = 2",
        &[
            ("CONFAB__RATE_LIMITS__ENABLED", "false"),
            ("CONFAB__AUTH__AUDIENCE", "0123"),
            ("CONFAB__AUTH__PASSWORD_QUEUE", " 9 "),
            ("CONFAB__SCYLLA__PASSWORD", "true"),
            ("CONFAB__SCYLLA__DATACENTER", ""),
            ("CONFAB__ORIGINS", ""),
        ],
    )
    .unwrap();
    assert_eq!(config.limits.connections.get(), 7);
    assert_eq!(config.auth.password_workers.map(u32::from), Some(2));
    assert_eq!(config.auth.password_queue.get(), 9);
    assert!(!config.rate_limits.enabled);
    assert_eq!((config.auth.issuer.as_str(), config.auth.audience.as_str()), ("5", "0123"));
    assert_eq!(config.scylla.password.unwrap().expose(), "true");
    assert_eq!(config.scylla.datacenter, None);
}

#[test]
fn every_problem_is_reported_under_its_name() {
    assert_problems(
        "liste = 1\n[auth]\naccess_ttl = 5\n[limits]\nconnections = 0",
        &[
            ("CONFAB__STORE", "sqlite"),
            ("CONFAB__AUTH__SECRET", "x"),
            ("CONFAB_LISTEN", "another program's"),
            ("CONFAB__ORIGINS", "example.org"),
            ("CONFAB__TRUSTED_PROXIES", "10.0.0.0/33"),
            ("CONFAB__LOG", "info,=x=y"),
            ("CONFAB__DRAIN__DELAY", "31s"),
        ],
        &[
            ": liste: unknown setting",
            ": auth.access_ttl: expected a time, such as 10m, 5s or 250ms",
            ": limits.connections: expected a whole number from 1",
            "CONFAB__STORE: expected embedded, memory or scylla",
            "CONFAB__AUTH__SECRET: unknown setting",
            "CONFAB__ORIGINS: expected origins",
            "CONFAB__TRUSTED_PROXIES: expected networks",
            "CONFAB__LOG: expected levels",
            "CONFAB__DRAIN__DELAY: longer than drain.deadline",
        ],
    );
}

#[test]
fn settings_that_would_fail_later_are_refused_at_the_start() {
    assert_problems(
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
        &[
            ": atuh: unknown setting",
            ": scylla.datacenter: unknown setting",
            "CONFAB__EMBEDDED__JOURNAL: at least 64MiB",
            "CONFAB__SCYLLA__PASSWORD: required with scylla.user",
            "CONFAB__SCYLLA__KEYSPACE: expected 1 to 48 of a-z 0-9 _, a letter first",
            "CONFAB__SCYLLA__NODES: expected nodes such as 127.0.0.1:9042",
            "CONFAB__LOG: expected levels",
        ],
    );
}

#[test]
fn sizes_of_files_are_bounded() {
    assert_problems(
        "",
        &[("CONFAB__ATTACHMENTS__FILE_MAX", "1025MiB"), ("CONFAB__ATTACHMENTS__USER_MAX", "1MiB")],
        &[
            "CONFAB__ATTACHMENTS__FILE_MAX: at most 1GiB",
            "CONFAB__ATTACHMENTS__USER_MAX: smaller than attachments.file_max",
        ],
    );
    let largest =
        [("CONFAB__ATTACHMENTS__FILE_MAX", "1GiB"), ("CONFAB__ATTACHMENTS__USER_MAX", "1GiB")];
    let (config, _) = load("", &largest).unwrap();
    assert_eq!(config.attachments.rules().file_bytes_max, 1 << 30);
}

const BUCKET: [(&str, &str); 4] = [
    ("CONFAB__ATTACHMENTS__S3__ENDPOINT", "https://s3.example.org"),
    ("CONFAB__ATTACHMENTS__S3__BUCKET", "files.example"),
    ("CONFAB__ATTACHMENTS__S3__ACCESS_KEY", "AKIAEXAMPLE"),
    ("CONFAB__ATTACHMENTS__S3__SECRET_KEY", "a secret"),
];

#[test]
fn bucket_needs_its_address_name_and_keys() {
    let (config, report) = load("", &BUCKET).unwrap();
    assert_eq!(config.attachments.s3.region, "us-east-1");
    assert!(!format!("{config:?}{report:?}").contains("a secret"));
    for (missing, _) in BUCKET {
        let others: Vec<_> = BUCKET.into_iter().filter(|(name, _)| *name != missing).collect();
        assert_problems("", &others, &[&format!("{missing}: required with attachments.s3.")]);
    }
}

#[test]
fn bucket_refuses_names_of_another_form() {
    let wrong = [
        ("CONFAB__ATTACHMENTS__S3__ENDPOINT", "http://user@s3.example.org"),
        ("CONFAB__ATTACHMENTS__S3__BUCKET", "Files"),
        ("CONFAB__ATTACHMENTS__S3__PREFIX", "chat/../files"),
        ("CONFAB__ATTACHMENTS__S3__CA", "/etc/ca.pem"),
        ("CONFAB__ATTACHMENTS__FOLDER", "/srv/files"),
    ];
    let settings = [&BUCKET[2..], &wrong].concat();
    assert_problems(
        "",
        &settings,
        &[
            "CONFAB__ATTACHMENTS__FOLDER: files are in a folder or in attachments.s3",
            "CONFAB__ATTACHMENTS__S3__ENDPOINT: expected http://host:port or https://host:port",
            "CONFAB__ATTACHMENTS__S3__CA: attachments.s3.endpoint is not https://",
            "CONFAB__ATTACHMENTS__S3__BUCKET: expected 3 to 63 of a-z 0-9 . -",
            "CONFAB__ATTACHMENTS__S3__PREFIX: expected 1 to 64 of a-z A-Z 0-9 _ - /",
        ],
    );
    for prefix in ["chat", "chat/files-1", ""] {
        let prefix = [("CONFAB__ATTACHMENTS__S3__PREFIX", prefix)];
        load("", &[&BUCKET[..], &prefix].concat()).unwrap();
    }
}

#[test]
fn every_setting_refuses_a_value_of_another_shape() {
    let (_, report) = load("", &[]).unwrap();
    for name in report.names() {
        let file = format!("{name} = [[]]");
        let problems = problems(&file, &[]);
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert!(problems[0].contains(&format!(": {name}: expected ")), "{problems:#?}");
    }
    for wrong in [
        ("CONFAB__LISTEN", "8080"),
        ("CONFAB__DATA_DIR", " "),
        ("CONFAB__AUTH__ISSUER", ""),
        ("CONFAB__AUTH__PASSWORD_WORKERS", "0"),
        ("CONFAB__LIMITS__CONNECTIONS", "null"),
        ("CONFAB__LIMITS__CONNECTIONS", "1e3"),
        ("CONFAB__RATE_LIMITS__ENABLED", "1"),
        ("CONFAB__EMBEDDED__CACHE", "64"),
        ("CONFAB__DRAIN__DELAY", "5"),
        ("CONFAB__LOG_FORMAT", "Json"),
        ("CONFAB__REDIS__URLS", "http://127.0.0.1"),
        ("CONFAB__AUTH", "x"),
        ("CONFAB__LISTEN__PORT", "1"),
        ("CONFAB__listen", "127.0.0.1:1"),
        ("CONFAB__ADMIN.LISTEN", "127.0.0.1:1"),
        ("CONFAB__", ""),
    ] {
        assert!(problems("", &[wrong])[0].starts_with(wrong.0), "{wrong:?}");
    }
}

#[test]
fn valid_nodes_keyspaces_and_levels_are_accepted() {
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
fn missing_or_broken_file_is_a_problem() {
    let missing = Config::load(Some(Path::new("/nowhere/confab.toml")), []).unwrap_err();
    assert!(missing.to_string().starts_with("/nowhere/confab.toml: "), "{missing}");
    assert!(problems("listen = ", &[])[0].contains("line 1"));
}

#[test]
fn store_scylla_requires_nodes_and_a_shared_key() {
    let problems = problems("", &[("CONFAB__STORE", "scylla")]);
    assert!(problems[0].starts_with("CONFAB__AUTH__SECRET_FILE: required"), "{problems:?}");
    assert!(problems[1].starts_with("CONFAB__SCYLLA__NODES: required"), "{problems:?}");
    let (config, _) = load(
        "",
        &[
            ("CONFAB__STORE", "scylla"),
            ("CONFAB__AUTH__SECRET_FILE", "/run/secrets/auth.key"),
            ("CONFAB__SCYLLA__NODES", "127.0.0.1:9042, 127.0.0.2:9042"),
        ],
    )
    .unwrap();
    assert_eq!(config.scylla.nodes, ["127.0.0.1:9042", "127.0.0.2:9042"]);
}

#[test]
fn files_for_tls_are_refused_when_they_are_incomplete_or_unused() {
    assert_problems(
        "",
        &[
            ("CONFAB__REDIS__URLS", "redis://127.0.0.1"),
            ("CONFAB__REDIS__TLS__CA", "ca.pem"),
            ("CONFAB__REDIS__TLS__CERTIFICATE", "gateway.pem"),
            ("CONFAB__SCYLLA__TLS__CA", "ca.pem"),
            ("CONFAB__SCYLLA__TLS__KEY", "gateway.key"),
            ("CONFAB__SEARCH__TLS__CA", "ca.pem"),
        ],
        &[
            "CONFAB__SCYLLA__TLS__CERTIFICATE: required with scylla.tls.key",
            "CONFAB__SCYLLA__TLS__CA: not used: scylla.tls.enabled is false",
            "CONFAB__REDIS__TLS__KEY: required with redis.tls.certificate",
            "CONFAB__REDIS__TLS__CA: no address in redis.urls begins with rediss://",
            "CONFAB__SEARCH__TLS__CA: no address in search.urls begins with https://",
        ],
    );
    let (config, _) = load(
        "[redis.tls]\nca = 'ca.pem'\ncertificate = 'one.pem'\nkey = 'one.key'",
        &[
            ("CONFAB__REDIS__URLS", "redis://a,rediss://b"),
            ("CONFAB__SCYLLA__TLS__ENABLED", "true"),
        ],
    )
    .unwrap();
    assert_eq!(config.redis.tls.key.as_deref(), Some(Path::new("one.key")));
    assert!(config.scylla.tls.enabled);
}

#[test]
fn passwords_are_not_printed() {
    let urls = "redis://user:hunter2@10.0.0.1:6379,redis://10.0.0.2:6379";
    let variables = [("CONFAB__REDIS__URLS", urls), ("CONFAB__SCYLLA__PASSWORD", "hunter2")];
    let (config, report) = load("", &variables).unwrap();
    assert_eq!(config.scylla.password.as_ref().unwrap().expose(), "hunter2");
    assert!(config.redis.urls[0].expose().contains("hunter2"));
    let printed = format!("{report} {report:?} {config:?}");
    assert!(!printed.contains("hunter2"), "{printed}");
    assert!(printed.contains("redis://***@10.0.0.1:6379"), "{printed}");
    let wrong = [("CONFAB__REDIS__URLS", "user:hunter2@h"), ("CONFAB__LISTEN", "hunter2")];
    assert!(!format!("{:?}", problems("", &wrong)).contains("hunter2"));
}

#[test]
fn report_is_a_file_with_the_same_configuration() {
    let variables = [
        ("CONFAB__ORIGINS", "http://localhost:1,https://b.example"),
        ("CONFAB__DRAIN__DELAY", "1ms"),
    ];
    let (_, report) = load("", &variables).unwrap();
    let (_, again) = load(&report.to_string(), &[]).unwrap();
    let values = |report: &Report| -> Vec<String> {
        report
            .to_string()
            .lines()
            .map(|line| line.split("  # ").next().unwrap().trim().to_owned())
            .collect()
    };
    assert_eq!(values(&report), values(&again));
}

#[test]
fn every_setting_is_documented() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let page = fs::read_to_string(path).unwrap();
    let (_, report) = load("", &[]).unwrap();
    for name in report.names() {
        let row = format!("| `{name}` | `{}` |", layers::variable(name));
        assert!(page.contains(&row), "docs/operations.md has no row {row}");
    }
}

#[test]
fn search_engine_is_only_for_a_fleet() {
    let engine = ("CONFAB__SEARCH__URLS", "http://127.0.0.1:9200,https://search.example:9200/");
    assert_problems(
        "",
        &[engine],
        &["CONFAB__SEARCH__URLS: only store scylla uses a search engine"],
    );
    let fleet = [
        ("CONFAB__STORE", "scylla"),
        ("CONFAB__SCYLLA__NODES", "127.0.0.1:9042"),
        ("CONFAB__AUTH__SECRET_FILE", "secret"),
    ];
    let (config, _) = load("", &[&fleet[..], &[engine]].concat()).unwrap();
    assert_eq!(config.search.urls.len(), 2);
    assert_eq!(config.search.prefix, "confab");
    let wrong = [
        ("CONFAB__SEARCH__USER", "confab"),
        ("CONFAB__SEARCH__PREFIX", "Confab"),
        ("CONFAB__SEARCH__URLS", "http://user:hunter2@127.0.0.1:9200"),
    ];
    let problems = problems("", &[&fleet[..], &wrong].concat());
    assert_eq!(problems.len(), 3, "{problems:#?}");
    assert!(!problems.concat().contains("hunter2"), "{problems:#?}");
}
