//! The settings of a node: on loopback, durable when killed, and small unless it is measured.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
};

use anyhow::Result;

use crate::certificates::Authority;

/// Tokens that give each of three nodes a third of the ring.
const TOKENS: [i64; 3] = [i64::MIN, -3_074_457_345_618_258_603, 3_074_457_345_618_258_602];

/// Packages that Cassandra's own start script opens as well.
const EXPORTS: &str = "java.base/jdk.internal.misc java.management.rmi/com.sun.jmx.remote.internal.rmi \
    java.rmi/sun.rmi.registry java.rmi/sun.rmi.server java.sql/java.sql java.base/java.lang.ref \
    jdk.unsupported/sun.misc jdk.compiler/com.sun.tools.javac.file jdk.attach/sun.tools.attach";
const OPENS: &str = "java.base/java.lang.module java.base/jdk.internal.loader \
    java.base/jdk.internal.ref java.base/jdk.internal.reflect java.base/jdk.internal.math \
    java.base/jdk.internal.module java.base/jdk.internal.util.jar \
    jdk.management/com.sun.management.internal java.base/sun.nio.ch java.base/java.io \
    java.base/java.lang.reflect jdk.compiler/com.sun.tools.javac java.base/java.lang \
    java.base/java.util java.base/java.nio java.base/java.util.concurrent";

const LOGBACK: &str = r#"<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{HH:mm:ss.SSS} %-5level %logger{0} %msg%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="OUT"/></root>
  <logger name="org.apache.cassandra.gms" level="INFO"/>
  <logger name="org.apache.cassandra.service" level="INFO"/>
  <logger name="org.apache.cassandra.transport" level="INFO"/>
</configuration>
"#;

/// How much of the machine a node may use.
#[derive(Debug, Clone, Copy)]
pub(super) enum Size {
    /// Starts fast and leaves the machine to others.
    Small,
    /// Uses the full compiler and enough memory for a load.
    Full,
}

impl Size {
    const fn yaml(self) -> &'static str {
        match self {
            Self::Small => {
                "commitlog_segment_size: 8MiB
commitlog_total_space: 64MiB
memtable_heap_space: 64MiB
memtable_offheap_space: 64MiB
concurrent_reads: 16
concurrent_writes: 16
native_transport_max_threads: 32
"
            }
            Self::Full => {
                "commitlog_segment_size: 32MiB
commitlog_total_space: 1024MiB
memtable_heap_space: 512MiB
memtable_offheap_space: 512MiB
concurrent_reads: 64
concurrent_writes: 64
native_transport_max_threads: 128
"
            }
        }
    }

    const fn java(self) -> &'static str {
        match self {
            Self::Small => "-Xms256M -Xmx512M -XX:TieredStopAtLevel=1",
            Self::Full => "-Xms2G -Xmx2G",
        }
    }
}

/// The ports of a ring.
#[derive(Debug)]
pub(super) struct Ports {
    /// For clients, the same on every node.
    pub(super) cql: u16,
    /// Between nodes, the same on every node.
    pub(super) storage: u16,
    /// For management, one for each node.
    pub(super) jmx: Vec<u16>,
    /// What is added to a node's number in the address that clients use. Not 0 behind a proxy.
    pub(super) proxies: u8,
}

impl Ports {
    /// Writes the files of node `node` into its folder.
    pub(super) fn write_settings(&self, folder: &Path, node: u8, size: Size) -> Result<()> {
        fs::create_dir_all(folder.join("tmp"))?;
        fs::write(folder.join("cassandra.yaml"), self.yaml(folder, node) + size.yaml())?;
        fs::write(folder.join("logback.xml"), LOGBACK)?;
        Ok(())
    }

    fn yaml(&self, folder: &Path, node: u8) -> String {
        let token = if self.jmx.len() == 1 { 0 } else { TOKENS[usize::from(node - 1) % 3] };
        format!(
            "cluster_name: confab-test
num_tokens: 1
initial_token: {token}
auto_bootstrap: false
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters: [{{seeds: \"127.0.0.1:{storage}\"}}]
listen_address: 127.0.0.{node}
rpc_address: 127.0.0.{node}
broadcast_rpc_address: 127.0.0.{clients}
storage_port: {storage}
native_transport_port: {cql}
start_native_transport: true
data_file_directories: [{folder}/data]
commitlog_directory: {folder}/commitlog
hints_directory: {folder}/hints
saved_caches_directory: {folder}/saved
cdc_raw_directory: {folder}/cdc
commitlog_sync: batch
memtable_allocation_type: heap_buffers
file_cache_size: 32MiB
key_cache_size: 4MiB
counter_cache_size: 0MiB
prepared_statements_cache_size: 4MiB
networking_cache_size: 16MiB
disk_access_mode: standard
concurrent_compactors: 1
auto_snapshot: false
trickle_fsync: false
paxos_variant: v2
write_request_timeout: 2000ms
cas_contention_timeout: 1000ms
authenticator: AllowAllAuthenticator
",
            storage = self.storage,
            cql = self.cql,
            clients = node + self.proxies,
            folder = folder.display(),
        )
    }
}

/// Makes a node accept only TLS, and only clients with a certificate of this authority.
pub(super) fn add_tls(folder: &Path, authority: &Authority, host: &str) -> Result<()> {
    let files = authority.sign(host)?;
    // The server reads the key and the certificate from one file.
    let keystore = folder.join("keystore.pem");
    let both = [fs::read(&files.key)?, fs::read(&files.certificate)?].concat();
    fs::write(&keystore, both)?;
    let mut yaml = OpenOptions::new().append(true).open(folder.join("cassandra.yaml"))?;
    write!(
        yaml,
        "client_encryption_options:
  enabled: true
  optional: false
  require_client_auth: true
  ssl_context_factory:
    class_name: org.apache.cassandra.security.PEMBasedSslContextFactory
  keystore: {keystore}
  truststore: {ca}
",
        keystore = keystore.display(),
        ca = authority.ca().display(),
    )?;
    Ok(())
}

/// Returns the arguments of `java` for a node of a ring of `ring` nodes.
pub(super) fn java_arguments(
    folder: &Path,
    jars: &Path,
    (jmx, ring): (u16, usize),
    size: Size,
) -> Vec<String> {
    let all = |option: &'static str, packages: &'static str| {
        let argument = move |package| [option.to_owned(), format!("{package}=ALL-UNNAMED")];
        packages.split_whitespace().flat_map(argument)
    };
    let (folder, jars) = (folder.display(), jars.display());
    let size = size.java();
    let ring_delay_ms = if ring == 1 { 100 } else { 2_000 };
    let own = format!(
        "-Djdk.attach.allowAttachSelf=true -Dio.netty.tryReflectionSetAccessible=true \
         -javaagent:{jars}/jamm-0.4.0.jar {size} -Xss512k -XX:+UseSerialGC \
         -XX:-UsePerfData -Djava.net.preferIPv4Stack=true \
         -Djava.io.tmpdir={folder}/tmp -Djna.tmpdir={folder}/tmp \
         -Dcassandra.config=file://{folder}/cassandra.yaml -Dcassandra.storagedir={folder} \
         -Dcassandra.logdir={folder} -Dlogback.configurationFile={folder}/logback.xml \
         -Dcassandra-foreground=yes -Dcassandra.jmx.local.port={jmx} \
         -Dcassandra.consistent.rangemovement=false -Dcassandra.ring_delay_ms={ring_delay_ms} \
         -Dcassandra.skip_wait_for_gossip_to_settle=0 \
         -cp {folder}:{jars}/* org.apache.cassandra.service.CassandraDaemon"
    );
    all("--add-exports", EXPORTS)
        .chain(all("--add-opens", OPENS))
        .chain(own.split_whitespace().map(str::to_owned))
        .collect()
}
