//! Which requests need which tokens.

use super::Builder;
use crate::config::{Requirement, Requires};
use crate::plan::{Needs, Rule};
use weir_core::attribute::AttributeSpec;
use weir_core::claims::ClaimName;
use weir_core::condition;
use weir_core::problem::did_you_mean;
use weir_core::table::TableId;
use weir_core::value::Kind;
use weir_core::{At, Compiler, OrderedMap, Predicate, SourceSpec};

/// Requirements nested deeper than this are refused.
const MAX_DEPTH: usize = 8;

impl Builder<'_, '_> {
    pub(super) fn rules(&mut self, at: &At) -> Box<[Rule]> {
        let config = self.config;
        if config.rules.is_empty() {
            let when = Predicate::Const(true);
            let needs = self.any_provider();
            return [Rule { name: None, when, needs, require: Predicate::Const(true) }].into();
        }
        let mut rules = Vec::with_capacity(config.rules.len());
        for (i, spec) in config.rules.iter().enumerate() {
            let at = at.field("rules").index(i);
            let when = self.compiler.before_tokens(|compiler| spec.targeting.compile(compiler, &at));
            let needs = match &spec.requires {
                Some(requires) => self.needs(requires, 0, &at.field("requires")),
                None => self.any_provider(),
            };
            let asked =
                [("require", spec.require.is_some()), ("requireInClaim", !spec.require_in_claim.is_empty())];
            for (name, _) in asked.into_iter().filter(|(_, is)| *is && matches!(needs, Needs::Nothing)) {
                let message = "has no effect, because the rule requires no token";
                self.compiler.problems.add(&at.field(name), message);
            }
            let require = self.required(spec.require.as_ref(), &spec.require_in_claim, &at);
            rules.push(Rule { name: spec.name.as_deref().map(Into::into), when, needs, require });
        }
        rules.into()
    }

    /// What the claims must say: `require`, a condition in which names are claims, and `requireInClaim`.
    pub(super) fn required(
        &mut self,
        condition: Option<&serde_json::Value>,
        in_claims: &OrderedMap<ClaimName>,
        at: &At,
    ) -> Predicate {
        let mut all = Vec::new();
        if let Some(json) = condition {
            let at = at.field("require");
            let compile = |compiler: &mut Compiler<'_>| condition::compile(json, compiler, &at);
            all.push(Predicate::Condition(Box::new(self.compiler.with_claims_by_name(compile))));
        }
        let at = at.field("requireInClaim");
        for (value, claim) in in_claims.iter() {
            let at = at.field(value);
            let value = self.compiler.attribute(value, &at);
            let claim = match claim {
                ClaimName::Text(name) => {
                    self.compiler.with_claims_by_name(|compiler| compiler.attribute(name, &at))
                }
                path => {
                    let claim = Some(path.clone());
                    self.compiler.source(
                        &SourceSpec::Long(Box::new(AttributeSpec { claim, ..Default::default() })),
                        &at,
                    )
                }
            };
            if let Some(claim) = claim
                && matches!(self.compiler.kind(claim), Kind::Number | Kind::Boolean)
            {
                let message =
                    "the claim is compared as text: its attribute cannot have the type number or boolean";
                self.compiler.problems.add(&at, message);
            }
            all.extend(value.zip(claim).map(|(value, among)| Predicate::Among { value, among }));
        }
        Predicate::all(all)
    }

    fn any_provider(&self) -> Needs {
        let mut all: Vec<Needs> =
            (0..self.config.providers.0.len()).map(|i| Needs::Token(u16::of(i))).collect();
        match all.pop() {
            Some(only) if all.is_empty() => only,
            last => {
                all.extend(last);
                Needs::Any(all.into())
            }
        }
    }

    fn needs(&mut self, requires: &Requires, depth: usize, at: &At) -> Needs {
        if depth > MAX_DEPTH {
            self.compiler.problems.add(at, format!("nested deeper than {MAX_DEPTH} levels"));
            return Needs::Nothing;
        }
        match requires {
            Requires::Name(name) if name == "none" => Needs::Nothing,
            Requires::Name(name) => self.token(name, at),
            Requires::Object(requirement) => self.requirement(requirement, depth + 1, at),
        }
    }

    fn requirement(&mut self, one: &Requirement, depth: usize, at: &At) -> Needs {
        let Requirement { provider, audiences, any, all, optional, optional_or_failed } = one;
        let given = [
            provider.is_some(),
            any.is_some(),
            all.is_some(),
            optional.is_some(),
            optional_or_failed.is_some(),
        ];
        if given.iter().filter(|is| **is).count() != 1 {
            let message = "needs exactly one of provider, any, all, optional, optionalOrFailed";
            self.compiler.problems.missing(at, message);
            return Needs::Nothing;
        }
        if !audiences.is_empty() && provider.is_none() {
            self.compiler.problems.add(&at.field("audiences"), "is only valid with `provider`");
        }
        if let Some(name) = provider {
            let at = at.field("provider");
            let needs = self.token(name, &at);
            return if audiences.is_empty() { needs } else { self.with_audiences(name, audiences, needs) };
        }
        if let Some(parts) = any {
            return Needs::Any(self.parts(parts, depth, &at.field("any")));
        }
        if let Some(parts) = all {
            return Needs::All(self.parts(parts, depth, &at.field("all")));
        }
        if let Some(part) = optional {
            return Needs::Optional(Box::new(self.needs(part, depth, &at.field("optional"))));
        }
        match optional_or_failed {
            Some(part) => {
                let part = self.needs(part, depth, &at.field("optionalOrFailed"));
                Needs::OptionalOrFailed(Box::new(part))
            }
            None => Needs::Nothing,
        }
    }

    fn parts(&mut self, parts: &[Requires], depth: usize, at: &At) -> Box<[Needs]> {
        if parts.is_empty() {
            self.compiler.problems.missing(at, "is empty; to require no token, write `requires: none`");
        }
        let mut needs = Vec::with_capacity(parts.len());
        for (i, part) in parts.iter().enumerate() {
            needs.push(self.needs(part, depth, &at.index(i)));
        }
        needs.into()
    }

    fn token(&mut self, name: &str, at: &At) -> Needs {
        if let Some(index) = self.names.find(name) {
            return Needs::Token(index);
        }
        if self.compiler.problems.is_full() {
            return Needs::Nothing;
        }
        let hint = did_you_mean(name, self.config.providers.iter().map(|(known, _)| known));
        self.compiler.problems.add(at, format!("unknown provider {name:?}{hint}"));
        Needs::Nothing
    }

    /// The same provider with other audiences. It has the same keys, but remembers tokens for itself.
    fn with_audiences(&mut self, name: &str, audiences: &[String], needs: Needs) -> Needs {
        let Needs::Token(index) = needs else { return needs };
        let index = usize::from(index);
        let config = self.config;
        let (Some(original), Some((_, spec))) = (self.providers.get(index), config.providers.0.get(index))
        else {
            return needs;
        };
        let keys = original.keys.clone();
        let Some(provider) = self.provider(name, spec, audiences, Some(keys)) else { return needs };
        self.providers.push(provider);
        Needs::Token(u16::of(self.providers.len() - 1))
    }
}
