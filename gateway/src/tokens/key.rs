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

/// Bytes of a key, at the least: as many as its hash has.
const KEY_BYTES_MIN: usize = 32;
/// Bytes of a key.
const KEY_BYTES_MAX: usize = 64;
/// Bytes of a key's hash that are its name.
const ID_BYTES: usize = 9;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or made.
    #[error("key file {}: {error}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The file holds no key.
    #[error("key file {}: expected one line of base64url for 32 to 64 bytes", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
    },
    /// The system gives no random bytes.
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
}

/// The key that signs and checks access tokens.
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
    /// A key of these bytes.
    fn new(bytes: Vec<u8>) -> Self {
        let hash = Sha256::new().chain_update(b"confab key id").chain_update(&bytes).finalize();
        Self {
            id: URL_SAFE_NO_PAD.encode(&hash[..ID_BYTES]),
            signing: EncodingKey::from_secret(&bytes),
            verifying: DecodingKey::from_secret(&bytes),
            bytes,
        }
    }

    /// A key that nobody else has, and that ends with the process.
    pub fn random() -> Result<Self, KeyError> {
        Ok(Self::new(random_bytes()?))
    }

    /// The key in this file.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = fs::read_to_string(path).map_err(|error| file(path, error))?;
        let content = || KeyError::Content { path: path.to_owned() };
        let line = text.trim_end_matches(['\r', '\n']).trim_end_matches('=');
        let bytes = URL_SAFE_NO_PAD.decode(line).map_err(|_| content())?;
        if !(KEY_BYTES_MIN..=KEY_BYTES_MAX).contains(&bytes.len()) {
            return Err(content());
        }
        warn_if_open_to_others(path);
        Ok(Self::new(bytes))
    }

    /// The key in this file, made with mode 0600 if there is none.
    pub fn read_or_make(path: &Path) -> Result<Self, KeyError> {
        if !path.try_exists().map_err(|error| file(path, error))? {
            make(path)?;
        }
        Self::read(path)
    }

    /// Its name in tokens.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The bytes, for keys that are derived from this one.
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

fn file(path: &Path, error: io::Error) -> KeyError {
    KeyError::File { path: path.to_owned(), error }
}

fn random_bytes() -> Result<Vec<u8>, KeyError> {
    let mut bytes = vec![0; KEY_BYTES_MIN];
    getrandom::fill(&mut bytes).map_err(KeyError::Random)?;
    Ok(bytes)
}

/// Writes a new key beside its place, then gives it its name: nobody reads half a key.
fn make(path: &Path) -> Result<(), KeyError> {
    let line = format!("{}\n", URL_SAFE_NO_PAD.encode(random_bytes()?));
    let beside = path.with_extension("key.new");
    write_private(&beside, line.as_bytes()).map_err(|error| file(&beside, error))?;
    fs::rename(&beside, path)
        .and_then(|()| sync_folder(path))
        .map_err(|error| file(path, error))?;
    tracing::info!(path = %path.display(), "signing key made");
    Ok(())
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    made.write_all(bytes)?;
    made.sync_all()
}

/// A name is on disk when its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn warn_if_open_to_others(path: &Path) {
    let open = fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0);
    if open {
        tracing::warn!(path = %path.display(), "others may read the signing key: chmod 600");
    }
}
