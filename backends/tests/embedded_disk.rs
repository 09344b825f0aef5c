//! A full disk: writes are refused, reads go on, and there is nothing to do but to make space. Needs
//! a small disk of its own, so a privilege to mount one.
#![expect(clippy::unwrap_used, reason = "a test may end so")]
#![expect(clippy::print_stderr, reason = "a skipped test says so")]

#[path = "embedded/scene.rs"]
mod scene;

use std::{env, fs, path::Path, process::Command, time::Duration};

use backends::embedded::{Embedded, EmbeddedConfig, Health};
use chat_core::{
    error::StoreError,
    model::{ClientId, Cursor, Seq},
    port::{Append, Appended, Stores},
};
use scene::Scribe;
use tempfile::TempDir;

const MIB: u64 = 1024 * 1024;

/// A disk of 64 MiB in memory; `None` where this process may not mount one.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"])
            .arg(dir.path())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(dir));
        }
        assert!(env::var_os("CI").is_none(), "this test may not be skipped here: run it as root");
        eprintln!("SKIPPED: a full disk was not tried, because this process may not mount one");
        None
    }

    fn config(&self, reserve_bytes: u64) -> EmbeddedConfig {
        EmbeddedConfig { reserve_bytes, ..EmbeddedConfig::new(self.0.path().join("store")) }
    }

    fn ballast(&self) -> std::path::PathBuf {
        self.0.path().join("ballast")
    }

    /// Takes space until this many bytes are left at the most.
    fn fill(&self, left: u64) {
        let disk = rustix::fs::statvfs(self.0.path()).unwrap();
        let free = disk.f_bavail * disk.f_frsize;
        let taken = vec![1; usize::try_from(free.saturating_sub(left)).unwrap()];
        // A disk takes as much as it has.
        fs::write(self.ballast(), taken).ok();
    }

    fn make_space(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").arg("--lazy").arg(self.0.path()).status().ok();
    }
}

#[tokio::test]
async fn full_disk_refuses_writes_until_there_is_space() {
    let Some(disk) = SmallDisk::mount() else { return };
    let embedded = Embedded::open(&disk.config(24 * MIB)).unwrap();
    let mut changes = embedded.health_changes();
    let (stores, mut scribe) = (embedded.stores(), Scribe::new(1));
    for _ in 0..20 {
        scribe.send(&stores).await;
    }
    disk.fill(16 * MIB);
    let refused = Err(StoreError::Unavailable("the disk is full".to_owned()));
    assert_eq!(scribe.try_send(&stores).await, refused);
    assert_eq!(embedded.health(), Health::DiskFull);
    assert!(changes.has_changed().unwrap());
    let to = Cursor { delivered_seq: Seq::new(99), ..Cursor::default() };
    let advanced = stores.cursors.advance(scribe.sender, scribe.conversation, to).await;
    assert!(matches!(advanced, Err(StoreError::Unavailable(_))), "{advanced:?}");
    scribe.holds(&stores).await;
    let key = ClientId::new("c-3").unwrap();
    let found = stores.log.find(scribe.conversation, scribe.sender, &key, Seq::ZERO).await;
    assert_eq!(found.unwrap().as_ref(), scribe.entries.get(2));
    disk.make_space();
    changes.wait_for(|health| *health == Health::Ok).await.unwrap();
    scribe.send(&stores).await;
    drop(stores);
    embedded.close();
    let embedded = Embedded::open(&disk.config(24 * MIB)).unwrap();
    scribe.holds(&embedded.stores()).await;
}

/// Without a reserve fjall meets the full disk itself: what it had acknowledged stands, the write
/// that failed is unknown, and nothing is written any more until a restart.
#[tokio::test]
async fn failed_write_poisons_the_store_for_good() {
    let Some(disk) = SmallDisk::mount() else { return };
    let embedded = Embedded::open(&disk.config(0)).unwrap();
    let mut changes = embedded.health_changes();
    let (stores, mut scribe) = (embedded.stores(), Scribe::new(1));
    scribe.send(&stores).await;
    disk.fill(MIB / 64);
    let failed = large_append(&stores, &scribe).await;
    assert!(matches!(failed, Err(StoreError::Unknown(_))), "{failed:?}");
    changes.wait_for(|health| *health == Health::Poisoned).await.unwrap();
    disk.make_space();
    for _ in 0..3 {
        let refused = scribe.try_send(&stores).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    }
    let heads = stores.log.heads(&[scribe.conversation]).await;
    assert!(matches!(heads, Err(StoreError::Unavailable(_))), "{heads:?}");
    drop(stores);
    embedded.close();
    reopened_keeps(&disk.config(0), &scribe).await;
}

/// More than there is space for.
async fn large_append(stores: &Stores, scribe: &Scribe) -> Result<Appended, StoreError> {
    let mut large = scribe.clone();
    (0..250).for_each(|_| large.pretend());
    let append = Append {
        conversation: scribe.conversation,
        after: scribe.head.seq,
        entries: &large.entries[scribe.entries.len()..],
        bases: &[Seq::ZERO; 250],
        head: large.head,
    };
    stores.log.append(append).await
}

async fn reopened_keeps(config: &EmbeddedConfig, scribe: &Scribe) {
    let embedded = eventually(config).await;
    let stores = embedded.stores();
    let read = stores.log.read(scribe.conversation, Seq::ZERO, Seq::new(1 << 40), usize::MAX);
    let entries = read.await.unwrap();
    assert!(entries.starts_with(&scribe.entries));
    let more = entries.len() - scribe.entries.len();
    assert!(more == 0 || more == 250, "the failed write is there whole or not at all");
}

/// The poisoned store's threads give the folder back when they have noticed.
async fn eventually(config: &EmbeddedConfig) -> Embedded {
    for _ in 0..500 {
        if let Ok(embedded) = Embedded::open(config) {
            return embedded;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Embedded::open(config).unwrap()
}

#[tokio::test]
async fn store_on_a_full_disk_opens_and_reads() {
    let dir = tempfile::tempdir().unwrap();
    let scribe = written(dir.path()).await;
    let full = EmbeddedConfig { reserve_bytes: u64::MAX, ..EmbeddedConfig::new(dir.path()) };
    let embedded = Embedded::open(&full).unwrap();
    assert_eq!(embedded.health(), Health::DiskFull);
    scribe.holds(&embedded.stores()).await;
}

async fn written(dir: &Path) -> Scribe {
    let embedded = Embedded::open(&EmbeddedConfig::new(dir)).unwrap();
    let mut scribe = Scribe::new(1);
    scribe.send(&embedded.stores()).await;
    embedded.close();
    scribe
}
