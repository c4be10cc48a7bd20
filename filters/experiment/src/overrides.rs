//! What testers choose: reading it, what became of it, and the cookie that makes it last.

use crate::choice::{Choice, Outcome, Source};
use crate::decision::Decision;
use crate::link::{Signed, Unfit, choice_of, dated, pairs};
use crate::plan::{Experiment, Overrides, Plan};
use weir_core::RequestView;
use weir_core::request::is_named;
use weir_core::{Effects, HostServices, Request, ResponseHeader, Truth, query};

/// Longer texts choose nothing, in bytes: what a client sends must not decide how much is hashed.
const MAX_LENGTH: usize = 2048;

/// What a client sends in a link's place to end its session.
const END: &[u8] = b"end";

/// What a tester's choice is to an experiment.
pub(crate) enum Chosen {
    /// It says nothing about it.
    Nothing,
    /// It is this variant.
    Variant(usize),
    /// It is a variant of another rule of the same flag.
    Another,
}

impl<'a, O: HostServices> Decision<'a, O> {
    /// The variant that an allowed tester has chosen.
    #[cold]
    #[inline(never)]
    pub(crate) fn chosen(&self, overrides: &Overrides, experiment: &Experiment) -> Chosen {
        let Some(Choice { text, .. }) = self.choice(overrides) else { return Chosen::Nothing };
        match experiment.chosen(text) {
            Some(variant) => Chosen::Variant(variant),
            None if self.plan.of_same_flag(experiment).any(|other| other.chosen(text).is_some()) => {
                Chosen::Another
            }
            None => Chosen::Nothing,
        }
    }

    /// Whether an allowed tester has chosen anything: then the request is in no result, also not in those of other
    /// experiments.
    pub(crate) fn is_testers(&self) -> bool {
        let choice = self.plan.overrides.as_ref().and_then(|overrides| self.choice(overrides).as_ref());
        choice.is_some_and(|choice| choice.unfit.is_none())
    }

    pub(crate) fn choice(&self, overrides: &Overrides) -> &Option<Choice<'a>> {
        self.choice.get_or_init(|| self.read_choice(overrides))
    }

    /// The first place that has a choice counts, whatever is in it.
    fn read_choice(&self, overrides: &Overrides) -> Option<Choice<'a>> {
        let link = overrides.query.as_ref().map(|query| query.attribute);
        let found = overrides.sources.iter().find_map(|place| Some((*place, self.text(*place)?)));
        let Some((place, text)) = found else { return self.session(overrides) };
        let source = if Some(place) == link { Source::Link } else { Source::Other };
        let of = |text: &'a [u8], unfit, signed, expiry| Some(Choice { text, unfit, source, signed, expiry });
        let refused = |outcome| of(&[], Some(outcome), false, None);
        if text.len() > MAX_LENGTH {
            return refused(Outcome::Refused);
        }
        if text == END && source == Source::Link && overrides.session.is_some() {
            return refused(Outcome::Ended);
        }
        let signed = match &overrides.signer {
            Some(signer) => Signed::read(text, signer, || self.now()),
            None => Err(Unfit::Unsigned),
        };
        match signed {
            Ok(Signed { choice, expiry }) => of(choice, None, true, expiry),
            // Who cannot be judged is not allowed.
            Err(_) if self.judge(&overrides.allow) == Truth::True => of(choice_of(text), None, false, None),
            Err(unfit) => refused(unfit.into()),
        }
    }

    /// The choice that an earlier link has left in a cookie.
    fn session(&self, overrides: &Overrides) -> Option<Choice<'a>> {
        let (cookie, signer) = overrides.session.as_ref().zip(overrides.signer.as_ref())?;
        let text = self.text(cookie.attribute).filter(|_| self.consent())?;
        let read = match text.len() {
            0..=MAX_LENGTH => Signed::read_dated(text, cookie.purpose(), signer, || self.now()),
            _ => Err(Unfit::Unsigned),
        };
        let (text, unfit) = match read {
            Ok(signed) => (signed.choice, None),
            Err(unfit) => (&[][..], Some(unfit.into())),
        };
        Some(Choice { text, unfit, source: Source::Session, signed: true, expiry: None })
    }

    /// What is left to do about a choice once all experiments are decided.
    #[cold]
    #[inline(never)]
    pub(crate) fn finish_choice(&self, overrides: &Overrides, effects: &mut Effects) {
        let choice = self.choice(overrides);
        overrides.hide(self.request, effects);
        let Some(choice) = choice else { return };
        let outcome = choice.unfit.unwrap_or_else(|| self.outcome(choice.text));
        let counters = &overrides.counters;
        match outcome {
            Outcome::Refused => effects.counts.push(counters.refused),
            Outcome::Expired => effects.counts.push(counters.expired),
            Outcome::Unknown => effects.counts.push(counters.unknown),
            Outcome::Applied | Outcome::Inactive | Outcome::Ended => {}
        }
        self.keep(choice, overrides, effects);
        if let Some(name) = &overrides.response_header {
            let (name, value) = (name.clone(), outcome.name().into());
            effects.response.push(ResponseHeader { name, value, replace: true });
        }
    }

    /// What became of an allowed choice: whether there is all that it names, and whether the request has got it.
    fn outcome(&self, text: &[u8]) -> Outcome {
        let mut outcome = Outcome::Applied;
        for (name, variant) in pairs(text) {
            let named = || self.plan.experiments.iter().filter(|it| it.is_named(name));
            let mut known = named().filter_map(|it| Some((it, it.position(variant)?))).peekable();
            if known.peek().is_none() {
                return Outcome::Unknown;
            }
            let got = |it: &Experiment, position: usize| {
                self.request.variant(it.id).map(usize::from) == Some(position)
            };
            if !known.any(|(it, position)| got(it, position)) {
                outcome = Outcome::Inactive;
            }
        }
        outcome
    }

    /// Sets the cookie of a session, or ends it.
    fn keep(&self, choice: &Choice<'_>, overrides: &Overrides, effects: &mut Effects) {
        let Some((cookie, signer)) = overrides.session.as_ref().zip(overrides.signer.as_ref()) else {
            return;
        };
        if !self.consent() {
            return;
        }
        let sent = self.text(cookie.attribute);
        match (choice.source, choice.unfit) {
            (Source::Link, None) if choice.signed => {
                let known = self.plan.known(choice.text);
                let lasting =
                    (cookie.ttl > 0).then(|| (self.now() / 1_000_000_000).saturating_add(cookie.ttl));
                let expiry = choice.expiry.into_iter().chain(lasting).min();
                // Far enough for a browser's session; readers take 18 digits.
                let value = dated(&known, Some(expiry.unwrap_or(NEVER)), cookie.purpose(), signer);
                if !known.is_empty() && sent != Some(value.as_bytes()) {
                    effects.response.push(cookie.header(value.as_bytes()));
                }
            }
            (Source::Link, Some(Outcome::Ended)) | (Source::Session, Some(_)) if sent.is_some() => {
                effects.response.push(cookie.end());
            }
            _ => {}
        }
    }
}

/// The expiry of a session that ends with the browser's: the year 33658.
const NEVER: u64 = 999_999_999_999;

impl Overrides {
    /// Takes the parameter out of what goes on: it may be a secret, and links end up in logs.
    #[cold]
    pub(crate) fn hide<O: HostServices>(&self, request: &Request<'_, O>, effects: &mut Effects) {
        if let Some(ours) = &self.query
            && request.text(ours.attribute).is_some()
        {
            query::remove(request, effects, &|name| is_named(name, &ours.name));
        }
    }
}

impl Plan {
    /// Takes out of a request what must not be seen of it when an earlier filter answers it.
    pub fn hide<O: HostServices>(&self, request: &Request<'_, O>, effects: &mut Effects) {
        if let Some(overrides) = &self.overrides {
            overrides.hide(request, effects);
        }
    }

    /// The other experiments of an experiment's flag.
    fn of_same_flag<'p>(&'p self, it: &'p Experiment) -> impl Iterator<Item = &'p Experiment> {
        let same =
            move |other: &&Experiment| it.flag.is_some() && other.flag == it.flag && other.key != it.key;
        self.experiments.iter().filter(same)
    }

    /// What is known of a choice, in the form of a cookie. Names have none of the characters that mean something
    /// there.
    fn known(&self, choice: &[u8]) -> String {
        let mut text = String::new();
        for (name, variant) in pairs(choice) {
            let mut named = self.experiments.iter().filter(|it| it.is_named(name));
            let found = named.find_map(|it| it.variants.get(it.position(variant)?));
            let Some(variant) = found else { continue };
            if !text.is_empty() {
                text.push('/');
            }
            text.extend(name.iter().map(|b| char::from(*b)));
            text.push(':');
            text.push_str(&variant.key);
        }
        text
    }
}

impl Experiment {
    /// The variant that a choice has for it, by its key or its flag's name.
    fn chosen(&self, choice: &[u8]) -> Option<usize> {
        let of = |name: &str| {
            let mut own = pairs(choice).filter(|(known, _)| *known == name.as_bytes());
            own.find_map(|(_, variant)| self.position(variant))
        };
        of(&self.key).or_else(|| of(self.flag.as_deref()?))
    }

    /// Whether this is its key or its flag's name.
    fn is_named(&self, name: &[u8]) -> bool {
        *self.key.as_bytes() == *name || self.flag.as_ref().is_some_and(|flag| *flag.as_bytes() == *name)
    }
}
