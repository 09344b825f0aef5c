//! Uploads to a gateway that keeps no files.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use chat_core::memory::NoBlobs;

use super::*;

#[tokio::test]
async fn upload_is_unavailable_when_the_gateway_keeps_no_files() {
    let gateway = gateway::tests::gateway_of(&[], |parts| {
        parts.blobs = Arc::new(NoBlobs("this server keeps no files"));
    });
    let client = Client(gateway.router());
    let ada = client.register("ada").await;
    let group = client.group(&ada, &[]).await;
    let metadata = format!("conversation {}", STANDARD.encode(&group));
    let call = client.call("POST", "/v1/attachments").of(&ada);
    let answer = call.header("upload-metadata", &metadata).header("upload-length", "5");
    let answer = answer.answer().await;
    assert_eq!(answer.refusal(), (503, "unavailable", ""));
    assert_eq!(answer.json["message"], "this server keeps no files");
    // Messages work as ever.
    assert_eq!(client.send(&ada, &group, "a-1", "hello").await.status, 201);
}
