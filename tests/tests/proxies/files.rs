//! Checks the files of `deploy/` with their linters, and that they agree with each other.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    process::Output,
    time::Duration,
};

use tempfile::TempDir;
use tests::{
    Context, Result, Value, bail, ensure,
    gateway::{Gateway, Settings},
    patience::{SOON, within},
    servers::{find, program},
};
use tokio::process::Command;

use crate::{
    deployed,
    proxy::{Kind, replaced, temporary},
};

/// The default of `drain.deadline`.
const DRAIN_DEADLINE: Duration = Duration::from_secs(30);
/// The highest exposure of the service, of 100. systemd calls 20 good.
const EXPOSURE_MAX: &str = "20";

async fn output(command: &mut Command) -> Result<Output> {
    let what = format!("{:?}", command.as_std());
    let output = command.kill_on_drop(true).output();
    within(SOON, &what, output).await?.with_context(|| what.clone())
}

/// Runs a linter and fails if it complains.
async fn content(command: &mut Command) -> Result<String> {
    let what = format!("{:?}", command.as_std());
    let Output { status, stdout, stderr } = output(command).await?;
    let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    ensure!(status.success(), "{what}: {status}\n{out}{err}");
    Ok(out.into_owned())
}

/// Prints that a check is skipped, also in CI.
fn skipped(what: &str) -> Result<()> {
    Ok(writeln!(io::stderr(), "\nSKIPPED: {what}\n")?)
}

#[tokio::test]
async fn haproxy_accepts_its_file_alone_and_in_compose() -> Result<()> {
    let Some(haproxy) = Kind::HaProxy.binary()? else { return Ok(()) };
    let check = || {
        let mut check = Command::new(&haproxy);
        // Not every user may open descriptors for 20,000 connections.
        check.arg("-c").arg("-f").arg(deployed("haproxy/haproxy.cfg"));
        check.env("CONFAB_CONNECTIONS", "400");
        check
    };
    content(&mut check()).await?;
    let Some(compose) = yaml("compose.yaml").await? else { return Ok(()) };
    let set = &compose[0]["services"]["haproxy"]["environment"];
    content(check().envs(texts(set)?)).await?;
    Ok(())
}

#[tokio::test]
async fn nginx_accepts_its_files() -> Result<()> {
    let Some(nginx) = Kind::Nginx.binary()? else { return Ok(()) };
    let folder = TempDir::with_prefix("confab-nginx-")?;
    for name in ["nginx.conf", "gateways.conf", "site.conf"] {
        fs::copy(deployed("nginx").join(name), folder.path().join(name))?;
    }
    // Its folders belong to root and may not exist yet.
    let site = fs::read_to_string(folder.path().join("site.conf"))?;
    let log = folder.path().join("access.log").display().to_string();
    fs::write(
        folder.path().join("site.conf"),
        replaced(&site, "/var/log/nginx/access.log", &log)?,
    )?;
    let gateways = fs::read_to_string(folder.path().join("gateways.conf"))?;
    fs::write(folder.path().join("gateways.conf"), gateways + &temporary(folder.path()))?;
    let own = format!("pid {}/nginx.pid;", folder.path().display());
    let mut check = Command::new(nginx);
    check.args(["-t", "-q", "-e", "stderr", "-g", &own, "-p"]).arg(folder.path());
    content(check.arg("-c").arg(folder.path().join("nginx.conf"))).await?;
    Ok(())
}

#[tokio::test]
async fn systemd_accepts_the_service_and_finds_it_hardened() -> Result<()> {
    let Some(analyze) = program("systemd-analyze", "systemd")? else { return Ok(()) };
    let service = deployed("systemd/confab.service");
    let text = fs::read_to_string(&service)?;
    // It checks that the binary exists.
    let folder = TempDir::with_prefix("confab-systemd-")?;
    let copy = folder.path().join("confab.service");
    fs::write(&copy, replaced(&text, "/usr/local/bin/confab", "/bin/true")?)?;
    content(Command::new(&analyze).arg("verify").arg("--man=no").arg(&copy)).await?;
    let mut security = Command::new(&analyze);
    security.args(["security", "--no-pager", "--offline=true", "--threshold", EXPOSURE_MAX]);
    content(security.arg(&service)).await?;
    let stop = text.lines().find_map(|line| line.strip_prefix("TimeoutStopSec="));
    let seconds = stop.and_then(|stop| stop.strip_suffix('s')).context("no TimeoutStopSec")?;
    ensure!(Duration::from_secs(seconds.parse()?) > DRAIN_DEADLINE, "{seconds} s");
    ensure!(text.contains("\nKillSignal=SIGTERM\n"), "a drain begins with SIGTERM");
    Ok(())
}

#[tokio::test]
async fn docker_accepts_the_compose_file() -> Result<()> {
    let Some(docker) = find("docker") else { return skipped("docker is not installed") };
    let has_plugin = output(Command::new(&docker).args(["compose", "version"])).await?;
    if !has_plugin.status.success() {
        return skipped("docker has no compose plugin");
    }
    let file = deployed("compose.yaml");
    content(Command::new(&docker).args(["compose", "-f"]).arg(file).args(["config", "-q"])).await?;
    Ok(())
}

/// Returns the documents of a YAML file, or `None` if Python's YAML may be missing and is.
async fn yaml(path: &str) -> Result<Option<Vec<Value>>> {
    const READ: &str = "import json, sys, yaml
print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";
    let Some(python) = program("python3", "python3")? else { return Ok(None) };
    if !output(Command::new(&python).args(["-c", "import yaml"])).await?.status.success() {
        tests::servers::missing("Python has no YAML (Debian: apt-get install python3-yaml)")?;
        return Ok(None);
    }
    let read = content(Command::new(&python).args(["-c", READ]).arg(deployed(path))).await?;
    Ok(Some(serde_json::from_str(&read)?))
}

/// Returns an object's members as texts.
fn texts(object: &Value) -> Result<BTreeMap<String, String>> {
    let members = object.as_object().with_context(|| format!("no object: {object}"))?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    members
        .iter()
        .map(|(name, value)| {
            let value = text(value).with_context(|| format!("{name} is not a text: {value}"))?;
            Ok((name.clone(), value))
        })
        .collect()
}

/// Fails unless the binary knows these settings.
async fn known_to_confab(settings: &BTreeMap<String, String>, file: Option<&str>) -> Result<()> {
    let folder = TempDir::with_prefix("confab-settings-")?;
    let path = folder.path().join("confab.toml");
    fs::write(&path, file.unwrap_or_default())?;
    let mut all = Settings::new();
    for (name, value) in settings {
        let name = name
            .strip_prefix("CONFAB__")
            .with_context(|| format!("{name} is not a setting of confab"))?;
        all = all.set(name, value);
    }
    let path = path.to_str().context("a folder without a name")?;
    let (status, _log) = Gateway::run(&all, &["--config", path, "config"]).await?;
    ensure!(status.success(), "settings are refused, {status}: see the log");
    Ok(())
}

#[tokio::test]
async fn confab_knows_the_settings_of_the_compose_file() -> Result<()> {
    let Some(compose) = yaml("compose.yaml").await? else { return Ok(()) };
    let services = &compose[0]["services"];
    let secrets = fs::read_to_string(deployed("secrets/confab.toml.example"))?;
    for gateway in ["gateway1", "gateway2"] {
        let gateway = &services[gateway];
        known_to_confab(&texts(&gateway["environment"])?, Some(&secrets)).await?;
        ensure!(seconds(&gateway["stop_grace_period"])? > DRAIN_DEADLINE, "{gateway}");
    }
    for (name, file) in compose[0]["secrets"].as_object().context("no secrets")? {
        let file = file["file"].as_str().with_context(|| format!("{name} is not a file"))?;
        ensure!(file.starts_with("./secrets/"), "{file}: git does not ignore it");
    }
    Ok(())
}

fn seconds(text: &Value) -> Result<Duration> {
    let seconds = text.as_str().and_then(|text| text.strip_suffix('s'));
    Ok(Duration::from_secs(seconds.with_context(|| format!("no seconds: {text}"))?.parse()?))
}

#[tokio::test]
async fn confab_knows_the_settings_of_the_service() -> Result<()> {
    let text = fs::read_to_string(deployed("systemd/confab.env.example"))?;
    let settings = |mark: &'static str| {
        let lines = text.lines().filter_map(move |line| line.strip_prefix(mark));
        let settings = lines.filter_map(|line| line.split_once('='));
        settings.map(|(name, value)| (format!("CONFAB__{name}"), value.to_owned()))
    };
    let mut all: BTreeMap<_, _> = settings("CONFAB__").collect();
    known_to_confab(&all, None).await?;
    all.extend(settings("# CONFAB__"));
    all.insert("CONFAB__AUTH__SECRET_FILE".into(), "auth.key".into());
    assert_eq!(all["CONFAB__STORE"], "scylla");
    // The examples leave these to the file.
    let keys = "[attachments.s3]\naccess_key = 'access'\nsecret_key = 'secret'\n";
    known_to_confab(&all, Some(keys)).await
}

/// Returns the only document of this kind.
fn of_kind<'a>(documents: &'a [Value], kind: &str) -> Result<&'a Value> {
    let mut found = documents.iter().filter(|document| document["kind"] == kind);
    match (found.next(), found.next()) {
        (Some(document), None) => Ok(document),
        _ => bail!("not exactly one {kind}"),
    }
}

#[tokio::test]
async fn kubernetes_files_agree_with_the_gateway() -> Result<()> {
    let mut documents = Vec::new();
    for name in ["config", "secret.example", "gateway", "migrate", "autoscaling"] {
        let Some(more) = yaml(&format!("kubernetes/{name}.yaml")).await? else { return Ok(()) };
        documents.extend(more);
    }
    let deployment = of_kind(&documents, "Deployment")?;
    let pod = &deployment["spec"]["template"]["spec"];
    let gateway = &pod["containers"][0];
    let grace = pod["terminationGracePeriodSeconds"].as_u64().context("no grace period")?;
    ensure!(Duration::from_secs(grace) > DRAIN_DEADLINE, "{grace} s");
    for (probe, path) in [("readinessProbe", "/readyz"), ("livenessProbe", "/healthz")] {
        assert_eq!(gateway[probe]["httpGet"]["path"], path, "{probe}");
        assert_eq!(gateway[probe]["httpGet"]["port"], "admin", "{probe}");
    }
    let migrating = &of_kind(&documents, "Job")?["spec"]["template"]["spec"];
    for same in ["image", "envFrom", "volumeMounts", "securityContext"] {
        assert_eq!(migrating["containers"][0][same], gateway[same], "{same}");
    }
    assert_eq!(migrating["volumes"][0]["secret"], pod["volumes"][0]["secret"]);
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    assert_eq!(&deployment["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(&of_kind(&documents, "Service")?["spec"]["selector"], labels);
    let budget = of_kind(&documents, "PodDisruptionBudget")?;
    assert_eq!(&budget["spec"]["selector"]["matchLabels"], labels);
    let target = &of_kind(&documents, "HorizontalPodAutoscaler")?["spec"]["scaleTargetRef"];
    assert_eq!(target["name"], deployment["metadata"]["name"]);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(gateway["securityContext"]["readOnlyRootFilesystem"], true);

    let config = of_kind(&documents, "ConfigMap")?;
    assert_eq!(gateway["envFrom"][0]["configMapRef"]["name"], config["metadata"]["name"]);
    let secret = of_kind(&documents, "Secret")?;
    assert_eq!(pod["volumes"][0]["secret"]["secretName"], secret["metadata"]["name"]);
    let settings = texts(&config["data"])?;
    let (folder, key) = settings["CONFAB__AUTH__SECRET_FILE"].rsplit_once('/').context("a path")?;
    assert_eq!(gateway["volumeMounts"][0]["mountPath"], folder);
    let secrets = texts(&secret["stringData"])?;
    ensure!(secrets.contains_key(key), "no {key} in the secret");
    known_to_confab(&settings, secrets.get("confab.toml").map(String::as_str)).await
}
