//! Choices with a signature, as links carry them: `CHOICE~SIGNATURE`, or `CHOICE~EXPIRY~SIGNATURE` where the expiry is
//! in seconds since the Unix epoch and signed too. A choice is `checkout=b` or `checkout=b,search=a`.

use weir_cookie::{SIGNATURE, Signer};

/// What signatures of choices are bound to.
const PURPOSE: &str = "override";

/// A choice with its signature, good until `expiry` or for ever.
#[must_use]
pub fn signed(choice: &str, expiry: Option<u64>, signer: &Signer) -> String {
    dated(choice, expiry, PURPOSE, signer)
}

/// The same, bound to another purpose, such as a cookie's name.
pub(crate) fn dated(choice: &str, expiry: Option<u64>, purpose: &str, signer: &Signer) -> String {
    let mut text = choice.to_owned();
    if let Some(expiry) = expiry {
        text.push('~');
        text.push_str(&expiry.to_string());
    }
    let signature = signer.sign(purpose, text.as_bytes());
    text.push('~');
    text.extend(signature.iter().map(|digit| char::from(*digit)));
    text
}

/// Why a text chooses nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// Its signature, or the secret in its place, is missing or wrong.
    Unsigned,
    /// Its time is over.
    Expired,
}

/// A choice whose signature is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signed<'a> {
    pub(crate) choice: &'a [u8],
    /// In seconds since the Unix epoch.
    pub(crate) expiry: Option<u64>,
}

impl<'a> Signed<'a> {
    /// Reads what follows a choice in a link: a signature, an expiry and a signature, or a secret itself. `now` is
    /// asked only where a signature is right.
    pub(crate) fn read(text: &'a [u8], signer: &Signer, now: impl FnOnce() -> u64) -> Result<Self, Unfit> {
        let choice = choice_of(text);
        let shown = text.get(choice.len() + 1..).ok_or(Unfit::Unsigned)?;
        if signer.accepts(PURPOSE, choice, shown) || signer.is_secret(shown) {
            return Ok(Self { choice, expiry: None });
        }
        Self::read_dated(text, PURPOSE, signer, now)
    }

    /// Reads a choice with an expiry and a signature.
    pub(crate) fn read_dated(
        text: &'a [u8],
        purpose: &str,
        signer: &Signer,
        now: impl FnOnce() -> u64,
    ) -> Result<Self, Unfit> {
        let parts = || {
            let (signed, signature) = text.split_at_checked(text.len().checked_sub(SIGNATURE + 1)?)?;
            let choice = choice_of(signed);
            Some((choice, seconds(signed.get(choice.len() + 1..)?)?, signed, signature.strip_prefix(b"~")?))
        };
        let (choice, expiry, signed, signature) = parts().ok_or(Unfit::Unsigned)?;
        if !signer.accepts(purpose, signed, signature) {
            return Err(Unfit::Unsigned);
        }
        if expiry <= now() / 1_000_000_000 {
            return Err(Unfit::Expired);
        }
        Ok(Self { choice, expiry: Some(expiry) })
    }
}

/// What stands before the first `~`.
pub(crate) fn choice_of(text: &[u8]) -> &[u8] {
    text.split(|b| *b == b'~').next().unwrap_or_default()
}

/// The names and variants of a choice. Cookies cannot carry `,` and write `checkout:b/search:a`.
pub(crate) fn pairs(choice: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    choice.split(|b| matches!(b, b',' | b'/')).map(|pair| {
        let pair = pair.trim_ascii();
        let end = pair.iter().position(|b| matches!(b, b'=' | b':')).unwrap_or(pair.len());
        (pair.get(..end).unwrap_or_default(), pair.get(end + 1..).unwrap_or_default())
    })
}

/// A number of at most 18 digits.
pub(crate) fn seconds(text: &[u8]) -> Option<u64> {
    let digit = |n: u64, b: &u8| b.is_ascii_digit().then(|| n * 10 + u64::from(b - b'0'));
    if text.is_empty() || text.len() > 18 { None } else { text.iter().try_fold(0, digit) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000_000_000;

    fn signer() -> Signer {
        Signer::new(b"a secret for tests only").unwrap()
    }

    fn read(text: &str) -> Result<(&str, Option<u64>), Unfit> {
        let signed = Signed::read(text.as_bytes(), &signer(), || NOW)?;
        Ok((std::str::from_utf8(signed.choice).unwrap(), signed.expiry))
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn what_was_signed_is_read_again() {
        // python3 -c "import hmac; print(hmac.new(b'a secret for tests only', b'override\0checkout=b', 'sha256').hexdigest()[:32])"
        let forever = signed("checkout=b", None, &signer());
        assert_eq!(forever, "checkout=b~4d909d295d4b9075ab4e97769d421ade");
        assert_eq!(read(&forever), Ok(("checkout=b", None)));
        let dated = signed("checkout=b,x=y", Some(1001), &signer());
        assert!(dated.starts_with("checkout=b,x=y~1001~"));
        assert_eq!(read(&dated), Ok(("checkout=b,x=y", Some(1001))));
        assert_eq!(read(&signed("checkout=b", Some(1000), &signer())), Err(Unfit::Expired));
        assert_eq!(read("checkout=b~a secret for tests only"), Ok(("checkout=b", None)));
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn nothing_of_a_link_can_be_changed() {
        let link = signed("checkout=b", Some(2000), &signer());
        for at in 0..link.len() {
            let mut bytes = link.clone().into_bytes();
            bytes[at] ^= 1;
            let text = String::from_utf8(bytes).unwrap();
            assert_eq!(read(&text), Err(Unfit::Unsigned), "{text}");
            assert_eq!(read(&link[..at]), Err(Unfit::Unsigned), "{}", &link[..at]);
        }
        // Neither does a date come off, nor on.
        let (rest, signature) = link.rsplit_once('~').unwrap();
        assert_eq!(read(&format!("checkout=b~{signature}")), Err(Unfit::Unsigned));
        let forever = signed("checkout=b", None, &signer());
        let signature = forever.rsplit_once('~').unwrap().1;
        assert_eq!(read(&format!("{rest}~{signature}")), Err(Unfit::Unsigned));
        assert_eq!(read(&format!("checkout=b~99999999999999999999~{signature}")), Err(Unfit::Unsigned));
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn a_cookie_is_no_link_and_a_link_no_cookie() {
        let cookie = dated("checkout:b", Some(2000), "tester=", &signer());
        assert_eq!(read(&cookie), Err(Unfit::Unsigned));
        let read =
            |text: &str| Signed::read_dated(text.as_bytes(), "tester=", &signer(), || NOW).map(|s| s.expiry);
        assert_eq!(read(&cookie), Ok(Some(2000)));
        assert_eq!(read(&signed("checkout=b", Some(2000), &signer())), Err(Unfit::Unsigned));
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn pairs_are_read_in_both_forms() {
        let read = |choice: &'static str| pairs(choice.as_bytes()).collect::<Vec<_>>();
        let both: Vec<(&[u8], &[u8])> = vec![(b"a.1", b"b"), (b"c", b"d")];
        assert_eq!(read("a.1=b, c=d"), both);
        assert_eq!(read("a.1:b/c:d"), both);
        assert_eq!(read("a"), [(&b"a"[..], &b""[..])]);
    }
}
