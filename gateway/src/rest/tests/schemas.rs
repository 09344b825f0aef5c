//! The documents that describe the API: what they must have, and that `docs/` has their newest form.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};

use super::Client;
use crate::protocol::{command::CommandName, parse};

fn docs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

async fn served(document: &str) -> Value {
    Client::new().call("GET", &format!("/{document}")).answer().await.json
}

/// Returns the examples of one kind in `docs/protocol`.
fn examples(kind: &str) -> Vec<Map<String, Value>> {
    let files = fs::read_dir(docs().join("protocol")).unwrap().map(|file| file.unwrap().path());
    let is_kind = |path: &PathBuf| {
        path.file_name().unwrap().to_str().unwrap().starts_with(&format!("{kind}-"))
    };
    files.filter(is_kind).map(|path| read(&path).as_object().unwrap().clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn committed_documents_are_those_that_the_gateway_serves() {
    for document in ["openapi.json", "asyncapi.json"] {
        let is_same = read(&docs().join(document)) == served(document).await;
        assert!(is_same, "docs/{document} is old: run `cargo xtask describe` and commit it");
    }
}

#[tokio::test(start_paused = true)]
async fn every_reference_leads_somewhere() {
    for document in ["openapi.json", "asyncapi.json"] {
        let json = served(document).await;
        let text = json.to_string();
        let references: BTreeSet<_> = text
            .split("\"$ref\":\"#")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
            .collect();
        assert!(references.len() > 20, "{document} has {references:?}");
        for reference in references {
            assert!(json.pointer(reference).is_some(), "{document}: {reference}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn openapi_marks_which_calls_need_a_token() {
    let api = served("openapi.json").await;
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"), "{}", api["openapi"]);
    assert_eq!(api["paths"]["/v1/users"]["post"]["security"], json!([{}]));
    assert_eq!(api["paths"]["/v1/me"]["get"]["security"], json!([{"access_token": []}]));
}

#[tokio::test(start_paused = true)]
async fn every_link_leads_to_a_call_and_its_parameters() {
    let api = served("openapi.json").await;
    let calls: Vec<_> = api["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|path| path.as_object().unwrap().values().filter(|call| call.is_object()))
        .collect();
    let links: Vec<_> = calls
        .iter()
        .flat_map(|call| call["responses"].as_object().unwrap().values())
        .filter_map(|response| response["links"].as_object())
        .flatten()
        .collect();
    assert!(links.len() > 20, "{links:?}");
    for (name, link) in links {
        let call = calls.iter().find(|call| call["operationId"] == link["operationId"]).unwrap();
        let parameters = call["parameters"].as_array().unwrap();
        let in_path = parameters.iter().filter(|one| one["in"] == "path");
        let needed: BTreeSet<_> = in_path.map(|one| one["name"].as_str().unwrap()).collect();
        let given: BTreeSet<_> =
            link["parameters"].as_object().unwrap().keys().map(String::as_str).collect();
        assert!(!given.is_empty() && given.is_subset(&needed), "{name}: {given:?} of {needed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn asyncapi_has_every_command_and_its_reply() {
    let api = served("asyncapi.json").await;
    for name in CommandName::ALL.map(CommandName::text) {
        let operation = &api["operations"][name];
        assert_eq!(operation["action"], "receive", "{name}");
        for message in [name.to_owned(), format!("{name}_reply")] {
            let reference = format!("#/components/messages/{message}");
            assert_eq!(api["channels"]["ws"]["messages"][&message]["$ref"], json!(reference));
        }
    }
    let tried: BTreeSet<_> =
        examples("command").iter().map(|it| it["cmd"].as_str().unwrap().to_owned()).collect();
    assert_eq!(tried, CommandName::ALL.map(|name| name.text().to_owned()).into());
}

#[tokio::test(start_paused = true)]
async fn asyncapi_has_every_event() {
    let api = served("asyncapi.json").await;
    let sent = api["operations"]["events"]["messages"].as_array().unwrap();
    let sent: BTreeSet<_> =
        sent.iter().map(|one| one["$ref"].as_str().unwrap().rsplit('/').next().unwrap()).collect();
    let kinds: BTreeSet<_> = examples("event")
        .iter()
        .map(|it| format!("{}_event", it["ev"].as_str().unwrap()))
        .collect();
    assert_eq!(sent, kinds.iter().map(String::as_str).collect());
    for kind in kinds {
        assert!(api["components"]["messages"][&kind]["payload"].is_object(), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn command_without_a_member_is_refused_when_its_schema_requires_the_member() {
    let api = served("asyncapi.json").await;
    let mut removed = 0;
    for example in examples("command") {
        let name = example["cmd"].as_str().unwrap();
        let payload = &api["components"]["messages"][name]["payload"];
        for member in example.keys() {
            let mut rest = example.clone();
            rest.remove(member);
            let is_refused = parse(&Value::from(rest.clone()).to_string()).is_err();
            assert_eq!(is_refused, !fits(payload, &rest), "{name} without {member}");
            removed += 1;
        }
    }
    assert!(removed > 40, "{removed}");
}

/// Returns true if an alternative of this schema has all of these members and requires no others.
fn fits(schema: &Value, members: &Map<String, Value>) -> bool {
    let alternatives = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array());
    let Some(alternatives) = alternatives else {
        let required = schema["required"].as_array().unwrap();
        let known = schema["properties"].as_object().unwrap();
        return required.iter().all(|name| members.contains_key(name.as_str().unwrap()))
            && members.keys().all(|name| known.contains_key(name));
    };
    alternatives.iter().any(|alternative| fits(alternative, members))
}
