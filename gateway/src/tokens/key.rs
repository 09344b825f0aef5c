//! The signing key and its file: one line of base64url, 32 to 64 random bytes.

use std::{
    fmt, fs,
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use sha2::{Digest, Sha256};

/// Smallest key in bytes: the size of its hash.
const KEY_BYTES_MIN: usize = 32;
/// Largest key in bytes.
const KEY_BYTES_MAX: usize = 64;
/// Bytes of a key's hash that are its id.
const ID_BYTES: usize = 9;

/// The error when a key cannot be read or created.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or created.
    #[error("key file {}: {error}", path.display())]
    File {
        /// Path of the file.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// The file does not contain a key.
    #[error("key file {}: expected one line of base64url for 32 to 64 bytes", path.display())]
    Content {
        /// Path of the file.
        path: PathBuf,
    },
    /// The system returned no random bytes.
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
}

/// The key that signs and verifies access tokens.
pub struct SigningKey {
    id: String,
    bytes: Vec<u8>,
    signing: EncodingKey,
    verifying: DecodingKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&"***").finish()
    }
}

impl SigningKey {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let hash = Sha256::new().chain_update(b"confab key id").chain_update(&bytes).finalize();
        Self {
            id: URL_SAFE_NO_PAD.encode(&hash[..ID_BYTES]),
            signing: EncodingKey::from_secret(&bytes),
            verifying: DecodingKey::from_secret(&bytes),
            bytes,
        }
    }

    /// Returns a random key, for a process whose tokens need not outlive it.
    pub fn random() -> Result<Self, KeyError> {
        Ok(Self::new(random_bytes()?))
    }

    /// Reads the key in this file.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = fs::read_to_string(path).map_err(|error| file_error(path, error))?;
        let line = text.trim_end_matches(['\r', '\n']).trim_end_matches('=');
        let bytes = URL_SAFE_NO_PAD.decode(line).ok();
        let bytes = bytes.filter(|key| (KEY_BYTES_MIN..=KEY_BYTES_MAX).contains(&key.len()));
        let Some(bytes) = bytes else { return Err(KeyError::Content { path: path.to_owned() }) };
        if fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0) {
            tracing::warn!(path = %path.display(), "others may read the signing key: chmod 600");
        }
        Ok(Self::new(bytes))
    }

    /// Reads the key in this file, after creating it with mode 0600 if it does not exist.
    pub fn read_or_create(path: &Path) -> Result<Self, KeyError> {
        if !path.try_exists().map_err(|error| file_error(path, error))? {
            create(path)?;
        }
        Self::read(path)
    }

    /// Returns the id of the key in tokens.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Returns the bytes, to derive other keys from.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) const fn signing(&self) -> &EncodingKey {
        &self.signing
    }

    pub(super) const fn verifying(&self) -> &DecodingKey {
        &self.verifying
    }
}

fn file_error(path: &Path, error: io::Error) -> KeyError {
    KeyError::File { path: path.to_owned(), error }
}

fn random_bytes() -> Result<Vec<u8>, KeyError> {
    let mut bytes = vec![0; KEY_BYTES_MIN];
    getrandom::fill(&mut bytes).map_err(KeyError::Random)?;
    Ok(bytes)
}

/// Writes a new key to a temporary file and renames it, so that a reader never sees part of a key.
fn create(path: &Path) -> Result<(), KeyError> {
    let line = format!("{}\n", URL_SAFE_NO_PAD.encode(random_bytes()?));
    let temporary = path.with_extension("key.new");
    write_private(&temporary, line.as_bytes()).map_err(|error| file_error(&temporary, error))?;
    fs::rename(&temporary, path)
        .and_then(|()| sync_folder(path))
        .map_err(|error| file_error(path, error))?;
    tracing::info!(path = %path.display(), "signing key created");
    Ok(())
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Syncs the folder of a file, without which a rename may be lost after a power failure.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
