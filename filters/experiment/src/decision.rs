//! Values of a request that experiments read, each at most once and most of them rarely.

use crate::choice::Choice;
use crate::passes::Earlier;
use crate::plan::{Experiment, Index, Plan, Units, Variant};
use crate::stored::StoredAssignments;
use std::cell::{Cell, OnceCell};
use weir_cookie::{Cookie, Id, SIGNATURE};
use weir_core::RequestView;
use weir_core::{Assigned, AttrId, Candidates, DecidedBy, Effects, HostServices, Predicate, Request, Truth};

/// A request on its way through the experiments.
pub(crate) struct Decision<'a, O> {
    pub(crate) plan: &'a Plan,
    pub(crate) request: &'a Request<'a, O>,
    /// What an earlier pass of the request has left.
    pub(crate) earlier: Option<&'a Earlier>,
    /// The experiments that are asked, where they are not all.
    pub(crate) asked: OnceCell<Candidates<'a>>,
    is_visit: OnceCell<bool>,
    /// Whether what is counted waits for the response.
    pub(crate) provisional: Cell<bool>,
    consent: OnceCell<bool>,
    sent_id: OnceCell<Option<&'a [u8]>>,
    fresh_id: OnceCell<Id>,
    recalled: OnceCell<Option<StoredAssignments<'a>>>,
    pub(crate) choice: OnceCell<Option<Choice<'a>>>,
    /// Whether a condition could not be judged.
    undecided: Cell<bool>,
    pub(crate) lacks_unit: Cell<bool>,
    /// Whether the hash has decided without consent.
    lacks_consent: Cell<bool>,
}

impl<'a, O: HostServices> Decision<'a, O> {
    #[inline]
    pub(crate) fn new(plan: &'a Plan, request: &'a Request<'a, O>, earlier: Option<&'a Earlier>) -> Self {
        let fresh_id = OnceCell::new();
        if let Some(id) = earlier.and_then(|earlier| earlier.id) {
            // It is the first time.
            let _ = fresh_id.set(id);
        }
        Self {
            plan,
            request,
            earlier,
            asked: OnceCell::new(),
            is_visit: OnceCell::new(),
            provisional: Cell::new(false),
            consent: OnceCell::new(),
            sent_id: OnceCell::new(),
            fresh_id,
            recalled: OnceCell::new(),
            choice: OnceCell::new(),
            undecided: Cell::new(false),
            lacks_unit: Cell::new(false),
            lacks_consent: Cell::new(false),
        }
    }

    /// Finds the experiments that are asked, unless that is all of them.
    #[cold]
    #[inline(never)]
    pub(crate) fn find_asked(&self, index: &'a Index) {
        if let Some(asked) = self.find(index) {
            // It is the first time.
            let _ = self.asked.set(asked);
        }
    }

    /// The experiments that can give the request a variant; `None` where all must be asked.
    #[inline]
    pub(crate) fn find(&self, index: &'a Index) -> Option<Candidates<'a>> {
        let has_chosen = self.plan.overrides.as_ref().is_some_and(|it| self.choice(it).is_some());
        if has_chosen || (index.reads_memory && self.recalled().is_some()) {
            return None;
        }
        let has = |units: &u16| {
            self.plan.units.get(usize::from(*units)).and_then(|it| self.unit_apart(it)).is_some()
        };
        index.units.iter().all(has).then(|| index.rules.find(self.request))
    }

    /// The experiments that are asked, in the order of the decisions.
    pub(crate) fn experiments(&self) -> impl Iterator<Item = &'a Experiment> {
        let mut from = 0;
        std::iter::from_fn(move || {
            let position = match self.asked.get() {
                Some(asked) => asked.next_from(from)?,
                None => from,
            };
            from = position + 1;
            self.plan.experiments.get(position)
        })
    }

    /// All experiments, or the first that is asked; with the position of the first.
    #[inline]
    pub(crate) fn first_asked(&self) -> (usize, &'a [Experiment]) {
        match self.asked.get() {
            None => (0, &self.plan.experiments),
            Some(asked) => self.one_asked(asked, 0).unwrap_or_default(),
        }
    }

    /// The first experiment that is asked and not before a position.
    #[cold]
    #[inline(never)]
    pub(crate) fn one_asked(&self, asked: &Candidates<'_>, from: usize) -> Option<(usize, &'a [Experiment])> {
        let position = asked.next_from(from)?;
        Some((position, self.plan.experiments.get(position..=position)?))
    }

    /// The same with whether it counts: without consent nothing does, and nothing of a tester.
    #[cold]
    #[inline(never)]
    pub(crate) fn judged(&self, assigned: Assigned) -> Assigned {
        let consent = self.consent();
        if !consent && assigned.by == DecidedBy::Hash {
            self.lacks_consent.set(true);
        }
        Assigned { counts: assigned.counts && consent && !self.is_testers(), ..assigned }
    }

    /// Whether the request is a visit, or counts like one.
    #[cold]
    pub(crate) fn is_visit(&self) -> bool {
        *self.is_visit.get_or_init(|| !self.plan.visits_only || self.request.is_visit())
    }

    /// Notes that the request gets a cookie. Over plain HTTP its response can show that the request was nobody's visit,
    /// where browsers take the cookie over HTTPS only.
    pub(crate) fn sets(&self, cookie: &Cookie) {
        if cookie.secure && self.plan.visits_only && self.request.is_plain_http() {
            self.provisional.set(true);
        }
    }

    /// Whether an assignment counts in this pass of a request that the proxy has redirected itself.
    #[cold]
    #[inline(never)]
    pub(crate) fn is_counted_now(&self, experiment: &Experiment, variant: &Variant) -> bool {
        // What waited for a response of the earlier pass waits for that of this one.
        let minted = self.plan.minted.as_ref().filter(|_| self.fresh_id.get().is_some());
        if let Some(minted) = minted {
            self.sets(&minted.cookie);
        }
        self.provisional.get() || !experiment.was_decided(variant, self.request)
    }

    /// The result of a predicate; most experiments have none, and a call would cost more than this check.
    #[inline]
    pub(crate) fn judge(&self, predicate: &Predicate) -> Truth {
        if matches!(predicate, Predicate::Const(true)) {
            return Truth::True;
        }
        let truth = predicate.judge(self.request);
        if truth == Truth::Unknown {
            self.undecided.set(true);
        }
        truth
    }

    /// The text of an attribute that is there and not empty.
    #[inline]
    pub(crate) fn text(&self, attribute: AttrId) -> Option<&'a [u8]> {
        self.request.text(attribute).filter(|text| !text.is_empty())
    }

    /// Nanoseconds since the Unix epoch.
    pub(crate) fn now(&self) -> u64 {
        self.request.now()
    }

    /// Whether cookies may be read and set.
    pub(crate) fn consent(&self) -> bool {
        let Some(consent) = &self.plan.consent else { return true };
        *self.consent.get_or_init(|| {
            let said = self.text(consent.source);
            said.is_some_and(|said| consent.equals.is_empty() || consent.equals.iter().any(|e| **e == *said))
        })
    }

    /// As [`Decision::unit`], for those who rarely ask.
    #[cold]
    #[inline(never)]
    pub(crate) fn unit_apart<'t>(&'t self, units: &Units) -> Option<&'t [u8]> {
        self.unit(units)
    }

    /// What identifies the request among these units, as far as it is known already.
    #[inline(always)]
    pub(crate) fn unit<'t>(&'t self, units: &Units) -> Option<&'t [u8]> {
        match units.sources.iter().find_map(|source| self.text(*source)) {
            Some(unit) => Some(unit),
            None if units.minted => self.anonymous(),
            None => None,
        }
    }

    /// The id of the minted cookie: that which was sent, or the one that this request gets.
    #[cold]
    #[inline(never)]
    fn anonymous(&self) -> Option<&[u8]> {
        let sent = self.sent_id.get_or_init(|| self.read_id());
        sent.or_else(|| self.fresh_id.get().map(|id| &id[..]))
    }

    fn read_id(&self) -> Option<&'a [u8]> {
        let minted = self.plan.minted.as_ref().filter(|_| self.consent())?;
        let text = self.text(minted.cookie.attribute)?;
        let Some(signer) = &minted.signer else { return Some(text) };
        if text.len() != size_of::<Id>() + 1 + SIGNATURE {
            return None;
        }
        let (id, signature) = text.split_at_checked(size_of::<Id>())?;
        let (b'.', signature) = signature.split_first().map(|(dot, rest)| (*dot, rest))? else { return None };
        signer.accepts(minted.cookie.purpose(), id, signature).then_some(id)
    }

    /// Gives the request an identity, if that is allowed.
    #[cold]
    #[inline(never)]
    pub(crate) fn mint(&self) -> Option<&[u8]> {
        if self.plan.minted.is_none() || !self.consent() {
            return None;
        }
        let services = self.request.services();
        Some(self.fresh_id.get_or_init(|| weir_cookie::id(services.random(), services.random())))
    }

    /// The assignments in the cookie.
    #[cold]
    #[inline(never)]
    pub(crate) fn recalled(&self) -> Option<&StoredAssignments<'a>> {
        let memory = self.plan.memory.as_ref()?;
        let read = || {
            let sent = || self.text(memory.cookie.attribute);
            let text =
                self.earlier.and_then(Earlier::assignments).or_else(sent).filter(|_| self.consent())?;
            StoredAssignments::read(text, memory, || self.now())
        };
        self.recalled.get_or_init(read).as_ref()
    }

    /// The same where something has asked for them.
    pub(crate) fn recalled_already(&self) -> Option<&StoredAssignments<'a>> {
        self.recalled.get()?.as_ref()
    }

    /// What is left to do once all experiments are decided.
    #[inline]
    pub(crate) fn finish(&self, effects: &mut Effects) {
        if let Some(overrides) = &self.plan.overrides {
            self.finish_choice(overrides, effects);
        }
        let counted = self.lacks_unit.get() || self.undecided.get() || self.lacks_consent.get();
        if counted || self.fresh_id.get().is_some() {
            self.finish_rare(effects);
        }
    }

    #[cold]
    fn finish_rare(&self, effects: &mut Effects) {
        // Of a request that is nobody's visit none is given, so none is missing.
        if self.lacks_unit.get() && (self.plan.minted.is_none() || self.is_visit()) {
            effects.counts.push(self.plan.without_unit);
        }
        if self.lacks_consent.get() {
            effects.counts.extend(self.plan.without_consent);
        }
        if self.undecided.get() {
            effects.counts.push(self.plan.undecided);
        }
        if let Some((id, minted)) = self.fresh_id.get().zip(self.plan.minted.as_ref()) {
            self.sets(&minted.cookie);
            let value = match &minted.signer {
                Some(signer) => [id, &b"."[..], &signer.sign(minted.cookie.purpose(), id)].concat(),
                None => id.to_vec(),
            };
            effects.set_cookie(minted.cookie.attribute, &value, minted.cookie.header(&value));
            minted.cookie.carry(id, effects);
        }
    }
}

/// The variant that a list such as `checkout=b,search=a` has for an experiment, by its key or its flag's name.
pub(crate) fn find(list: &[u8], separator: u8, experiment: &Experiment) -> Option<usize> {
    let named = |name: &str| values(list, separator, name).find_map(|value| experiment.position(value));
    named(&experiment.key).or_else(|| named(experiment.flag.as_deref()?))
}

/// What a list such as `checkout=b,search=a` has for a name.
pub(crate) fn values<'l>(list: &'l [u8], separator: u8, name: &str) -> impl Iterator<Item = &'l [u8]> {
    let value = move |pair: &'l [u8]| pair.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"=");
    list.split(move |b| *b == separator).filter_map(value)
}

impl Experiment {
    /// The position of the variant of this key.
    pub(crate) fn position(&self, key: &[u8]) -> Option<usize> {
        self.variants.iter().position(|variant| *variant.key.as_bytes() == *key)
    }
}
