//! A real Kubernetes API server: what `kubectl` and Weir's own programs do with it. Run by `make test-kubernetes`.

mod admission;
mod admitted;
mod applied;
mod helm;
mod rollout;

use std::sync::OnceLock;

use weir_tests::kubernetes::{Cluster, definitions};

/// A cluster for tests that neither stop it nor need it empty.
///
/// Nothing drops it: it ends with the programs that it reads its input from, as this program does.
fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| Cluster::start(&definitions()))
}
