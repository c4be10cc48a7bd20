//! Path templates: `/users/{id}/orders`, `/static/**`.

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
    /// All that follows, also nothing.
    Rest,
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
            if segments.last() == Some(&Segment::Rest) {
                return Err("`**` must be the last segment");
            }
            segments.push(match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(name) if !name.is_empty() && !name.contains(['{', '}', '*']) => Segment::One,
                _ if part == "**" => Segment::Rest,
                _ if part.contains(['{', '}', '*', '?', '#']) => {
                    return Err("a segment is text, `{name}`, or, at the end, `**`");
                }
                _ => Segment::Literal(part.as_bytes().into()),
            });
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
                (Segment::Rest, _) => return true,
                (_, None) => false,
                (Segment::One, Some(part)) => !part.is_empty(),
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
        ] {
            let compiled = Template::new(template).unwrap();
            yes.iter().for_each(|path| assert!(compiled.fits(path.as_bytes()), "{template} {path}"));
            no.iter().for_each(|path| assert!(!compiled.fits(path.as_bytes()), "{template} {path}"));
        }
    }

    #[test]
    fn mistakes_are_refused() {
        for bad in ["", "users", "/a/**/b", "/a*", "/{}", "/x{id}", "/a?b", "/{a"] {
            assert!(Template::new(bad).is_err(), "{bad}");
        }
    }
}
