//! Callouts that run, and what each is for.

use std::cell::RefCell;

/// The callouts of a plugin that have no answer yet.
///
/// A proxy names a callout by a token. Its answer comes to every plugin of the VM's root, so a token that is not
/// here is somebody else's.
///
/// ```
/// use weir_host::{Call, Callout, Callouts, FakeHost, Host as _};
///
/// let (proxy, callouts) = (FakeHost::default(), Callouts::default());
/// let keys = Callout {
///     cluster: "login", scheme: "https", authority: "login.test", path: "/keys", timeout: 5_000,
/// };
/// if let Some(token) = proxy.call_out(&keys) {
///     callouts.start(token, "keys of login.test");
/// }
/// assert_eq!(proxy.take_calls(), [Call::CallOut("login".into(), "/keys".into())]);
///
/// // The fake's token is 7.
/// assert_eq!(callouts.finish(7), Some("keys of login.test"));
/// assert_eq!(callouts.finish(7), None, "answers come once");
/// ```
#[derive(Debug)]
pub struct Callouts<T>(RefCell<Vec<(u32, T)>>);

impl<T> Default for Callouts<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T> Callouts<T> {
    /// Notes what a callout is for, by the token that [`Host::call_out`](crate::Host::call_out) gave.
    pub fn start(&self, token: u32, what: T) {
        if let Ok(mut running) = self.0.try_borrow_mut() {
            running.push((token, what));
        }
    }

    /// What a callout was for that was answered, or failed; `None` when it is not ours.
    pub fn finish(&self, token: u32) -> Option<T> {
        let mut running = self.0.try_borrow_mut().ok()?;
        let position = running.iter().position(|(known, _)| *known == token)?;
        Some(running.swap_remove(position).1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_callout_is_answered_once() {
        let running = Callouts::default();
        running.start(7, "keys");
        running.start(8, "flags");
        assert_eq!(running.finish(7), Some("keys"));
        assert_eq!(running.finish(7), None);
        assert_eq!(running.finish(9), None);
        assert_eq!(running.finish(8), Some("flags"));
    }
}
