//! Stop signals.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

/// Ctrl-C, SIGTERM, and the end of the terminal.
pub(crate) struct Stop(Receiver<()>);

impl Stop {
    /// Listens from now on, so that none of them ends this program before it has cleaned up.
    ///
    /// # Errors
    /// The system does not let it.
    pub(crate) fn listen(runtime: &Runtime) -> io::Result<Self> {
        let _inside = runtime.enter();
        let (sender, receiver) = mpsc::channel();
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            let mut signals = signal(kind)?;
            let sender = sender.clone();
            runtime.spawn(async move {
                signals.recv().await;
                // Who is gone has stopped.
                let _ = sender.send(());
            });
        }
        Ok(Self(receiver))
    }

    /// Waits so long, or until it is told. True when it was.
    pub(crate) fn told_within(&self, patience: Duration) -> bool {
        !matches!(self.0.recv_timeout(patience), Err(RecvTimeoutError::Timeout))
    }
}
