//! When a token is valid (RFC 7519, 4.1.4 to 4.1.6).

use crate::payload::Payload;
use crate::refusal::Refusal;

/// What a caller asks of a token's times. All in seconds.
///
/// ```
/// use weir_jose::{Refusal, TimeRules, Token};
///
/// let part = |text: &str| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes());
/// let claims = r#"{"nbf": 1000, "exp": 1300}"#;
/// let text = [part(r#"{"alg":"RS256"}"#), part(claims), part("signature")].join(".");
/// let token = Token::parse(text.as_bytes(), 8192)?;
///
/// let rules = TimeRules { skew: 30.0, require_expiration: true, max_lifetime: None };
/// let validity = rules.check(token.payload(), 1_100.0)?;
/// assert_eq!((validity.from, validity.until), (970.0, 1_330.0));
/// assert!(validity.contains(970.0) && !validity.contains(1_330.0));
/// assert_eq!(rules.check(token.payload(), 1_330.0), Err(Refusal::Expired));
/// assert_eq!(rules.check(token.payload(), 969.0), Err(Refusal::NotYetValid));
///
/// let short = TimeRules { max_lifetime: Some(60.0), ..rules };
/// assert_eq!(short.check(token.payload(), 1_100.0), Err(Refusal::Lifetime), "200 seconds are left");
/// # Ok::<(), Refusal>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeRules {
    /// How far clocks may differ; both `exp` and `nbf` are taken with that much leniency.
    pub skew: f64,
    /// Whether a token without `exp` is refused.
    pub require_expiration: bool,
    /// The longest time that a token may be valid, from now on and, if it has `iat`, from there on.
    /// It implies that `exp` is required.
    pub max_lifetime: Option<f64>,
}

/// From when (inclusive) until when (exclusive) a token passes, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Validity {
    /// The first moment.
    pub from: f64,
    /// The first moment that is too late; infinite for a token that does not expire.
    pub until: f64,
}

impl Validity {
    /// Whether the token passes at that time.
    #[inline]
    pub fn contains(&self, now: f64) -> bool {
        self.from <= now && now < self.until
    }
}

impl TimeRules {
    /// When `payload` passes these rules, given that it does `now`. A cache may trust the answer at
    /// every time inside, also if the clock is set back.
    ///
    /// # Errors
    ///
    /// [`Refusal::ClaimType`], [`Refusal::ExpirationRequired`], [`Refusal::Expired`],
    /// [`Refusal::NotYetValid`] or [`Refusal::Lifetime`].
    pub fn check(&self, payload: &Payload, now: f64) -> Result<Validity, Refusal> {
        let (exp, nbf, iat) = (payload.exp()?, payload.nbf()?, payload.iat()?);
        if exp.is_none() && (self.require_expiration || self.max_lifetime.is_some()) {
            return Err(Refusal::ExpirationRequired);
        }
        let mut validity = Validity {
            from: nbf.map_or(f64::NEG_INFINITY, |nbf| nbf - self.skew),
            until: exp.map_or(f64::INFINITY, |exp| exp + self.skew),
        };
        if now >= validity.until {
            return Err(Refusal::Expired);
        }
        if now < validity.from {
            return Err(Refusal::NotYetValid);
        }
        if let (Some(max), Some(exp)) = (self.max_lifetime, exp) {
            // Set back far enough, a clock would see too much life left: until then it is not trusted.
            validity.from = validity.from.max(exp - max - self.skew);
            let issued_too_early = iat.is_some_and(|iat| exp - iat > max + self.skew);
            if now < validity.from || issued_too_early {
                return Err(Refusal::Lifetime);
            }
        }
        Ok(validity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test;

    const RULES: TimeRules = TimeRules { skew: 60.0, require_expiration: false, max_lifetime: None };

    fn check(rules: TimeRules, claims: Value, now: f64) -> Result<(f64, f64), Refusal> {
        let payload = Payload::new(crate::json::Object::read(claims.to_string().into_bytes()).unwrap());
        rules.check(&payload, now).map(|validity| (validity.from, validity.until))
    }

    #[test]
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    fn expiry_and_not_before_with_skew() {
        let claims = json!({"exp": 1000, "nbf": 500});
        assert_eq!(check(RULES, claims.clone(), 700.0), Ok((440.0, 1060.0)));
        assert_eq!(check(RULES, claims.clone(), 440.0), Ok((440.0, 1060.0)));
        assert_eq!(check(RULES, claims.clone(), 1059.9), Ok((440.0, 1060.0)));
        assert_eq!(check(RULES, claims.clone(), 1060.0), Err(Refusal::Expired));
        assert_eq!(check(RULES, claims.clone(), 439.9), Err(Refusal::NotYetValid));
        assert_eq!(check(RULES, json!({}), 0.0), Ok((f64::NEG_INFINITY, f64::INFINITY)));
        // Other verifiers read `exp: 0` as "never". It is 1970.
        assert_eq!(check(RULES, json!({"exp": 0}), 1e9), Err(Refusal::Expired));
    }

    #[test]
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    fn an_expiration_can_be_required_and_bounded() {
        let required = TimeRules { require_expiration: true, ..RULES };
        assert_eq!(check(required, json!({}), 0.0), Err(Refusal::ExpirationRequired));
        let hour = TimeRules { max_lifetime: Some(3600.0), skew: 0.0, ..RULES };
        assert_eq!(check(hour, json!({}), 0.0), Err(Refusal::ExpirationRequired));
        assert_eq!(check(hour, json!({"exp": 5000}), 1400.0), Ok((1400.0, 5000.0)));
        assert_eq!(check(hour, json!({"exp": 5000}), 1399.0), Err(Refusal::Lifetime));
        assert_eq!(check(hour, json!({"exp": 5000, "iat": 1399}), 4000.0), Err(Refusal::Lifetime));
        assert!(check(hour, json!({"exp": 5000, "iat": 1400}), 4000.0).is_ok());
    }

    #[test]
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
    fn times_are_numbers_in_bounds() {
        for bad in [
            json!("5"),
            json!(null),
            json!(true),
            json!([1]),
            json!(-1),
            json!(-0.5),
            json!(1e30),
            json!(1e300),
        ] {
            for name in ["exp", "nbf", "iat"] {
                assert_eq!(check(RULES, json!({name: bad}), 5.0), Err(Refusal::ClaimType), "{name} {bad}");
            }
        }
        for good in [json!(1e3), json!(1000.75), json!(i64::MAX), json!(9_223_372_036_854_775_808_u64)] {
            assert!(check(RULES, json!({"exp": good}), 5.0).is_ok(), "{good}");
        }
        assert_eq!(check(RULES, json!({"exp": 10.5}), 70.5), Err(Refusal::Expired));
        assert!(check(RULES, json!({"exp": 10.5}), 70.4).is_ok());
    }
}
