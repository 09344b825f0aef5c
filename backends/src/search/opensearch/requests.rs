//! The bodies of the calls.

use chat_core::{
    id::UserId,
    port::{Document, IndexedPart, SearchRequest},
    search::{Has, Pattern, words},
    time::Timestamp,
};
use serde_json::{Value, json};

/// Returns the settings of the index of messages. Its documents have words that are split already.
pub(super) fn messages_index() -> Value {
    json!({
        "settings": {"index": {"refresh_interval": "1s"}},
        "mappings": {
            "dynamic": "strict",
            "_source": {"enabled": false},
            "properties": {
                "conversation": {"type": "long"},
                "seq": {"type": "long", "index": false},
                "at": {"type": "long"},
                "sender": {"type": "long"},
                "has_link": {"type": "boolean"},
                "has_attachment": {"type": "boolean"},
                "words": {"type": "text", "analyzer": "whitespace", "norms": false},
            },
        },
    })
}

/// Returns the settings of the index of marks.
pub(super) fn marks_index() -> Value {
    json!({"mappings": {"dynamic": "strict", "properties": {"mark": {"type": "long"}}}})
}

/// Returns the lines that write a message. One without a text has no fields.
pub(super) fn document(index: &str, document: &Document) -> String {
    let place = &document.place;
    let id = format!("{}-{}", place.conversation, place.seq);
    let fields = document.text.as_deref().map_or_else(
        || json!({}),
        |text| {
            let words: Vec<String> = words(text).into_iter().map(|word| word.folded).collect();
            json!({
                "conversation": place.conversation.get(),
                "seq": place.seq.get(),
                "at": place.at.as_millis(),
                "sender": document.sender.get(),
                "has_link": document.has_link(),
                "has_attachment": document.has_attachment,
                "words": words.join(" "),
            })
        },
    );
    lines(index, &id, document.version.get(), &fields)
}

/// Returns the lines that move a mark.
pub(super) fn mark(index: &str, part: &IndexedPart) -> String {
    let to = part.to.get();
    lines(index, &part.conversation.to_string(), to, &json!({ "mark": to }))
}

/// Returns the lines that write a document, unless the stored one has a higher version.
fn lines(index: &str, id: &str, version: u64, fields: &Value) -> String {
    let action = json!({"index": {
        "_index": index, "_id": id, "version": version, "version_type": "external_gte",
    }});
    format!("{action}\n{fields}\n")
}

/// Returns a search. Of a phrase that ends with a prefix, the place of the prefix is not part of it: hits
/// are compared with their texts later.
pub(super) fn search(request: &SearchRequest) -> Value {
    let scope: Vec<u64> = request.scope.iter().map(|(id, _)| id.get()).collect();
    let mut filter = vec![json!({"terms": {"conversation": scope}})];
    for clause in request.query.clauses() {
        let (prefixes, whole): (Vec<&Pattern>, Vec<&Pattern>) =
            clause.iter().partition(|pattern| pattern.is_prefix);
        let whole: Vec<&str> = whole.iter().map(|pattern| pattern.folded.as_str()).collect();
        if !whole.is_empty() {
            filter.push(json!({"match_phrase": {"words": whole.join(" ")}}));
        }
        let prefix = |pattern: &&Pattern| json!({"prefix": {"words": {"value": pattern.folded}}});
        filter.extend(prefixes.iter().map(prefix));
    }
    filter.extend(request.sender.map(|sender| json!({"term": {"sender": UserId::get(sender)}})));
    filter.extend(request.has.map(|has| match has {
        Has::Link => json!({"term": {"has_link": true}}),
        Has::Attachment => json!({"term": {"has_attachment": true}}),
    }));
    let before = request.before.map(Timestamp::as_millis);
    let after = request.after.map(Timestamp::as_millis);
    filter.extend(before.map(|before| json!({"range": {"at": {"lt": before}}})));
    filter.extend(after.map(|after| json!({"range": {"at": {"gt": after}}})));
    let mut body = json!({
        "size": request.limit,
        "track_total_hits": false,
        "query": {"bool": {"filter": filter}},
        "sort": [{"at": "desc"}, {"conversation": "desc"}, {"seq": "desc"}],
    });
    if let Some(below) = request.below {
        let place = [below.at.as_millis(), below.conversation.as_i64()];
        let seq = i64::try_from(below.seq.get()).unwrap_or(i64::MAX);
        body["search_after"] = json!([place[0], place[1], seq]);
    }
    body
}
