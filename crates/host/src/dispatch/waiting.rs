//! Requests that do not simply go on, and responses that are slowed down.

use super::{Dispatcher, on_request_headers_inside};
use crate::plugin::{Plugin, Served, Wake};
use crate::timers::{MAX_BATCH, Then, Timers, Waiting};
use crate::{Delay, Disposition, Hold, Host};
use std::rc::Rc;

impl<P: Plugin<H>, H: Host> Dispatcher<P, H> {
    /// A request does not simply go on. `held_since` is when it was held for the first time.
    #[cold]
    pub(super) fn carry_out(
        &self,
        host: &H,
        (root, stream): (u32, u32),
        plugin: Rc<P>,
        disposition: Disposition,
        held_since: Option<u64>,
    ) {
        let (due, then) = match disposition {
            Disposition::On => return host.resume_request(),
            Disposition::Reply(reply) => {
                if plugin.wants_wake() && host.act_for(root) {
                    self.wake(host, root, &plugin);
                    host.act_for(stream);
                }
                return host.reply(&reply);
            }
            Disposition::Delay(delay) => {
                let Delay { nanoseconds, mark, then } = *delay;
                (host.steady_now().saturating_add(nanoseconds), Then::DelayOver { mark, reply: then })
            }
            Disposition::Hold(Hold { crowded: true, .. }) => {
                let now = host.steady_now();
                for gone in self.timers.take_gone_for_room(host, now) {
                    forget(host, &gone);
                }
                if !host.act_for(stream) {
                    return;
                }
                return self.again(host, (root, stream), plugin, held_since.unwrap_or(now));
            }
            Disposition::Hold(Hold { mark, .. }) => {
                let now = host.steady_now();
                (Timers::<P>::patience(now), Then::Again { mark, since: held_since.unwrap_or(now) })
            }
        };
        let held = matches!(then, Then::Again { .. }).then(|| Rc::clone(&plugin));
        self.timers.add(host, root, Waiting { due, stream, plugin, then });
        // Something is to be fetched, by the root: an answer to a stream would be lost with the stream.
        if let Some(plugin) = held
            && host.act_for(root)
        {
            self.wake(host, root, &plugin);
            host.act_for(stream);
        }
    }

    /// The timer of a root rang.
    pub fn on_timer(&self, host: &H, root: u32) {
        self.timers.fired(root);
        let own = self.plugin_at(root).and_then(|plugin| self.background(host, &plugin));
        self.serve_due(host, root);
        self.timers.rearm(host, root, own);
    }

    /// Forgets the streams that waited and whose clients have gone. Timers do so now and then; this is for hosts that
    /// know when a stream ends.
    pub fn forget_gone(&self, host: &H) {
        for gone in self.timers.take_all_gone(host) {
            forget(host, &gone);
        }
    }

    /// A callout that a root made was answered, or failed.
    ///
    /// ```
    /// use std::cell::{Cell, RefCell};
    /// use weir_host::{
    ///     Call, Callout, Callouts, Dispatcher, Disposition, FakeHost, Flow, Hold, Host, Plugin, Refusal, Served, Wake,
    /// };
    ///
    /// /// Holds requests until it has fetched a list.
    /// #[derive(Default)]
    /// struct Listed {
    ///     list: RefCell<Vec<u8>>,
    ///     asked: Cell<bool>,
    ///     callouts: Callouts<()>,
    /// }
    ///
    /// impl<H: Host> Plugin<H> for Listed {
    ///     const NAME: &'static str = "listed";
    ///     type Kept = ();
    ///     type Workspace = ();
    ///
    ///     fn configure(_: &H, _: &[u8]) -> Result<Self, Refusal> {
    ///         Ok(Self::default())
    ///     }
    ///     fn on_request_headers(&self, _: &H, (): &mut (), _: u64) -> Served<()> {
    ///         match self.list.borrow().is_empty() {
    ///             true => Disposition::Hold(Hold { mark: 0, crowded: false }).into(),
    ///             false => Disposition::On.into(),
    ///         }
    ///     }
    ///     fn on_wake(&self, host: &H) -> Wake {
    ///         if !self.asked.replace(true) {
    ///             let (scheme, authority) = ("https", "lists.test");
    ///             let list = Callout { cluster: "lists", scheme, authority, path: "/bots", timeout: 1_000 };
    ///             if let Some(token) = host.call_out(&list) {
    ///                 self.callouts.start(token, ());
    ///             }
    ///         }
    ///         Wake::default()
    ///     }
    ///     fn on_callout(&self, host: &H, token: u32, body_size: usize) -> bool {
    ///         if self.callouts.finish(token).is_some() {
    ///             *self.list.borrow_mut() = host.callout_body(body_size).to_vec();
    ///         }
    ///         !self.list.borrow().is_empty()
    ///     }
    /// }
    ///
    /// let (proxy, module) = (FakeHost::default(), Dispatcher::<Listed, FakeHost>::new());
    /// let (root, stream) = (1, 2);
    /// assert!(module.on_configure(&proxy, root, b""));
    /// assert_eq!(module.on_request_headers(&proxy, stream), Flow::Stop);
    /// assert_eq!(module.waiting(), 1);
    ///
    /// // The answer comes; the fake's tokens are 7.
    /// *proxy.callout_answer.borrow_mut() = Some(("200".to_owned(), b"bot".to_vec()));
    /// module.on_callout(&proxy, root, 7, 3);
    /// assert!(proxy.take_calls().contains(&Call::ResumeRequest));
    /// assert_eq!(module.waiting(), 0);
    /// ```
    pub fn on_callout(&self, host: &H, root: u32, token: u32, body_size: usize) {
        let Some(plugin) = self.plugin_at(root) else { return };
        if plugin.on_callout(host, token, body_size) {
            self.timers.release(&plugin, host.steady_now());
            self.serve_due(host, root);
        }
        let own = self.background(host, &plugin);
        self.timers.rearm(host, root, own);
    }

    /// Has the plugin of a root, whose context is the current one, do what is due.
    pub(super) fn wake(&self, host: &H, root: u32, plugin: &Rc<P>) {
        if let Some(due) = self.background(host, plugin) {
            self.timers.wake_at(host, root, due);
        }
    }

    /// Has a plugin do what is due; when it is to be woken again.
    fn background(&self, host: &H, plugin: &Rc<P>) -> Option<u64> {
        let Wake { after, release } = plugin.on_wake(host);
        let now = host.steady_now();
        if release {
            self.timers.release(plugin, now);
        }
        let after = if release { Some(0) } else { after };
        after.map(|after| now.saturating_add(after))
    }

    /// Lets those streams go on whose time has come, a limited number at once.
    fn serve_due(&self, host: &H, root: u32) {
        let now = host.steady_now();
        for gone in self.timers.take_gone(host, now) {
            forget(host, &gone);
        }
        for _ in 0..MAX_BATCH {
            let Some(due) = self.timers.take_due(now) else { break };
            if host.act_for(due.stream) {
                self.resume(host, root, due);
            } else {
                forget(host, &due);
            }
        }
        // The root's timer is set next, so its context must be the current one again.
        host.act_for(root);
    }

    /// A stream's time has come.
    fn resume(&self, host: &H, root: u32, Waiting { stream, plugin, then, .. }: Waiting<P>) {
        match then {
            Then::ResumeResponse => {
                let more = self.kept_mut(stream, |kept| plugin.waits_on(host, kept)).flatten();
                match more {
                    None => host.resume_response(),
                    Some(more) => {
                        let due = host.steady_now().saturating_add(more);
                        self.timers.add(
                            host,
                            root,
                            Waiting { due, stream, plugin, then: Then::ResumeResponse },
                        );
                    }
                }
            }
            Then::DelayOver { mark, reply } => {
                plugin.delay_over(host, mark);
                match reply {
                    Some(reply) => host.reply(&reply),
                    None => host.resume_request(),
                }
            }
            Then::Again { mark, since } => {
                plugin.hold_over(host, mark);
                self.again(host, (root, stream), plugin, since);
            }
        }
    }

    /// Has a plugin decide a request again that is held since then.
    fn again(&self, host: &H, (root, stream): (u32, u32), plugin: Rc<P>, since: u64) {
        let held_for = host.steady_now().saturating_sub(since).max(1);
        let Served { kept, mut disposition } = on_request_headers_inside(&*plugin, host, held_for);
        if let Some(kept) = kept {
            self.keep(host, stream, Rc::clone(&plugin), kept);
        }
        if let Disposition::Hold(hold) = &mut disposition {
            // Room was looked for already; whoever finds none then may say so, but is not asked for ever.
            hold.crowded = false;
        }
        self.carry_out(host, (root, stream), plugin, disposition, Some(since));
    }
}

/// The client of a stream that waited has gone.
fn forget<H: Host, P: Plugin<H>>(host: &H, gone: &Waiting<P>) {
    match &gone.then {
        Then::DelayOver { mark, .. } => gone.plugin.delay_over(host, *mark),
        Then::Again { mark, .. } => gone.plugin.hold_over(host, *mark),
        Then::ResumeResponse => {}
    }
}
