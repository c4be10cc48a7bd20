//! Path templates: `/users/{id}/orders`, `/items/{id}:archive`, `/static/**`.

/// A compiled template.
#[derive(Debug)]
pub(crate) struct Template {
    segments: Box<[Segment]>,
}

#[derive(Debug, PartialEq)]
enum Segment {
    /// This text.
    Literal(Box<[u8]>),
    /// One segment that is not empty.
    One,
    /// One segment with something between these two texts.
    Between(Box<[u8]>, Box<[u8]>),
    /// All that follows, also nothing, with this at its end.
    Rest(Box<[u8]>),
}

/// The form of a segment.
const SEGMENT: &str = "a segment is text with at most one `{name}` in it, or, at the end, `**` or `**:verb`";

impl Segment {
    fn new(text: &str) -> Result<Self, &'static str> {
        let plain = |text: &str| !text.bytes().any(|b| b"{}*?#".contains(&b));
        if let Some(verb) = text.strip_prefix("**") {
            let fits = verb.is_empty() || (verb.starts_with(':') && verb.len() > 1 && plain(verb));
            return if fits { Ok(Self::Rest(verb.as_bytes().into())) } else { Err(SEGMENT) };
        }
        let Some((before, rest)) = text.split_once('{') else {
            return if plain(text) { Ok(Self::Literal(text.as_bytes().into())) } else { Err(SEGMENT) };
        };
        match rest.split_once('}') {
            Some((name, after)) if !name.is_empty() && [before, name, after].into_iter().all(plain) => {
                Ok(match (before, after) {
                    ("", "") => Self::One,
                    _ => Self::Between(before.as_bytes().into(), after.as_bytes().into()),
                })
            }
            _ => Err(SEGMENT),
        }
    }
}

impl Template {
    /// Compiles a template.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub(crate) fn new(text: &str) -> Result<Self, &'static str> {
        let Some(rest) = text.strip_prefix('/') else { return Err("a template must start with `/`") };
        let mut segments: Vec<Segment> = Vec::new();
        for part in rest.split('/') {
            if let Some(Segment::Rest(_)) = segments.last() {
                return Err("`**` is the last segment");
            }
            segments.push(Segment::new(part)?);
        }
        Ok(Self { segments: segments.into() })
    }

    /// Whether a path, without its query, is of this form.
    #[inline]
    pub(crate) fn fits(&self, path: &[u8]) -> bool {
        let Some((b'/', path)) = path.split_first() else { return false };
        let mut parts = path.split(|b| *b == b'/');
        for segment in &self.segments {
            let fits = match (segment, parts.next()) {
                (Segment::Rest(verb), _) if verb.is_empty() => return true,
                (_, None) => false,
                (Segment::Rest(verb), Some(_)) => return path.ends_with(verb),
                (Segment::One, Some(part)) => !part.is_empty(),
                (Segment::Between(before, after), Some(part)) => {
                    part.len() > before.len() + after.len()
                        && part.starts_with(before)
                        && part.ends_with(after)
                }
                (Segment::Literal(text), Some(part)) => weir_core::header::equal(text, part),
            };
            if !fits {
                return false;
            }
        }
        parts.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_compared_one_by_one() {
        for (template, yes, no) in [
            ("/", &["/"][..], &["", "/x", "//"][..]),
            ("/users", &["/users"], &["/users/", "/user", "users", "/users/1"]),
            ("/users/{id}", &["/users/1", "/users/%2f"], &["/users/", "/users", "/users/1/", "/users/1/x"]),
            ("/users/{id}/orders", &["/users/1/orders"], &["/users//orders", "/users/1/orders/2"]),
            ("/static/**", &["/static/", "/static/a", "/static/a/b", "/static"], &["/statics"]),
            ("/**", &["/", "/a/b"], &["", "*"]),
            // google.api.http's verbs.
            (
                "/items/{item}:checkStatus",
                &["/items/1:checkStatus", "/items/a:b:checkStatus"],
                &["/items/1", "/items/:checkStatus", "/items/1:checkStatus/x", "/items/1:check"],
            ),
            ("/items:batchGet", &["/items:batchGet"], &["/items", "/items/1:batchGet"]),
            (
                "/v1/**:cancel",
                &["/v1/a:cancel", "/v1/a/b:cancel"],
                &["/v1:cancel", "/v1/a", "/v1/a:cancel/b"],
            ),
            (
                "/files/{name}.json",
                &["/files/a.json", "/files/a.b.json"],
                &["/files/.json", "/files/a.jso", "/files/a"],
            ),
            ("/v{major}/users", &["/v1/users", "/v12/users"], &["/v/users", "/1/users", "/v1"]),
            ("/a-{b}-c", &["/a-x-c"], &["/a--c", "/a-c", "/a-x-"]),
        ] {
            let compiled = Template::new(template).unwrap();
            yes.iter().for_each(|path| assert!(compiled.fits(path.as_bytes()), "{template} {path}"));
            no.iter().for_each(|path| assert!(!compiled.fits(path.as_bytes()), "{template} {path}"));
        }
    }

    #[test]
    fn mistakes_are_refused() {
        for bad in [
            "", "users", "/a/**/b", "/a*", "/{}", "/a?b", "/{a", "/{a}{b}", "/a}", "/**x", "/**:", "/**:a/b",
            "/{a=b/*}", "/{a}#b",
        ] {
            assert!(Template::new(bad).is_err(), "{bad}");
        }
    }
}
