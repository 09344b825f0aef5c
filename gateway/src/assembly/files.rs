//! Opens the storage of uploaded files that the configuration names.

use std::sync::Arc;

use anyhow::{Context, Result};
use backends::{
    blobs::{ObjectBlobs, S3Config, S3ConfigError},
    tls::TlsFiles,
};
use chat_core::{
    memory::{MemoryBlobs, NoBlobs},
    port::Blobs,
};
use gateway::{
    config::{Config, S3, StoreKind},
    secret::Secret,
};

use super::misconfigured;

/// The reason why a gateway of a fleet keeps no files.
const NO_FILES: &str = "this server keeps no files: its operator has to set attachments.folder or \
                        attachments.s3";

/// Opens the storage of uploaded files.
pub(super) fn open_blobs(config: &Config) -> Result<Arc<dyn Blobs>> {
    if let Some(bucket) = s3_config(&config.attachments.s3) {
        let opened = ObjectBlobs::in_bucket(&bucket).map_err(|error| {
            let setting = match error {
                S3ConfigError::Tls(_) => "CONFAB__ATTACHMENTS__S3__CA",
                S3ConfigError::Form(_) => "CONFAB__ATTACHMENTS__S3",
            };
            misconfigured(setting, &error)
        });
        return Ok(Arc::new(opened?));
    }
    let folder = match (&config.attachments.folder, config.store) {
        (Some(folder), _) => folder.clone(),
        (None, StoreKind::Embedded) => config.data_dir.join("files"),
        (None, StoreKind::Memory) => return Ok(Arc::new(MemoryBlobs::default())),
        (None, StoreKind::Scylla) => return Ok(Arc::new(NoBlobs(NO_FILES))),
    };
    let opened = ObjectBlobs::in_folder(&folder, config.embedded.reserve);
    let blobs = opened.with_context(|| format!("folder of files {}", folder.display()))?;
    Ok(Arc::new(blobs))
}

/// Returns the bucket, which the configuration has completely or not at all.
fn s3_config(s3: &S3) -> Option<S3Config> {
    Some(S3Config {
        endpoint: s3.endpoint.clone()?,
        bucket: s3.bucket.clone()?,
        region: s3.region.clone(),
        access_key: s3.access_key.clone()?,
        secret_key: s3.secret_key.as_ref().map(Secret::expose)?.to_owned(),
        prefix: s3.prefix.clone().unwrap_or_default(),
        tls: TlsFiles { ca: s3.ca.clone(), identity: None },
    })
}
