//! The end of a request.

use log::Level;
use std::cell::RefCell;
use weir_host_api::{Clock, HeaderMap, Headers, Log, Properties};

/// How a request ended. Asking for something twice is a mistake.
///
/// ```
/// use weir_host_api::{HeaderMap, Headers as _};
/// use weir_testkit::Response;
///
/// let response = Response { headers: vec![("x-cache", "hit")], ..Response::of(304) };
/// assert_eq!(response.status(), Some(304));
/// assert_eq!(response.header(HeaderMap::Response, b"x-cache").as_deref(), Some(&b"hit"[..]));
/// assert_eq!(response.asked(), ["status", "header x-cache"]);
/// ```
#[derive(Debug, Default)]
pub struct Response<'e> {
    /// The status; `None`: there was no response.
    pub status: Option<u16>,
    /// The headers of the response.
    pub headers: Vec<(&'e str, &'e str)>,
    /// The trailers of the response.
    pub trailers: Vec<(&'e str, &'e str)>,
    /// The properties, by their paths with dots.
    pub properties: Vec<(&'e str, Vec<u8>)>,
    /// Nanoseconds since the Unix epoch.
    pub now: u64,
    /// The lines that were logged.
    pub lines: RefCell<Vec<(Level, String)>>,
    /// What was asked, in order.
    pub asked: RefCell<Vec<String>>,
}

impl Response<'_> {
    /// A response with this status, and nothing else.
    pub fn of(status: u16) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    /// What was asked so far, in order: `status`, `now`, and `header`, `trailer` and `property` with a name.
    pub fn asked(&self) -> Vec<String> {
        self.asked.borrow().clone()
    }

    fn ask(&self, what: &str, name: &[u8]) {
        let question = format!("{what}{}", String::from_utf8_lossy(name).replace('\0', "."));
        let mut asked = self.asked.borrow_mut();
        assert!(!asked.contains(&question), "{question} twice");
        asked.push(question);
    }
}

fn find<'a>(all: &'a [(&str, &str)], name: &[u8]) -> Option<&'a [u8]> {
    all.iter().find(|(known, _)| known.as_bytes() == name).map(|(_, value)| value.as_bytes())
}

impl Properties for Response<'_> {
    type Bytes = Vec<u8>;

    fn property(&self, path: &[u8]) -> Option<Vec<u8>> {
        self.ask("property ", path);
        let path = String::from_utf8_lossy(path).replace('\0', ".");
        self.properties.iter().find(|(known, _)| *known == path).map(|(_, value)| value.clone())
    }
}

impl Headers for Response<'_> {
    fn header(&self, map: HeaderMap, name: &[u8]) -> Option<Vec<u8>> {
        if name == b":status" {
            self.ask("status", b"");
            return self.status.map(|status| status.to_string().into_bytes());
        }
        let (question, lines) = match map {
            HeaderMap::ResponseTrailers => ("trailer ", &self.trailers),
            _ => ("header ", &self.headers),
        };
        self.ask(question, name);
        find(lines, name).map(<[u8]>::to_vec)
    }
}

impl Clock for Response<'_> {
    fn now(&self) -> u64 {
        self.ask("now", b"");
        self.now
    }
}

impl Log for Response<'_> {
    fn log(&self, level: Level, line: &str) {
        self.lines.borrow_mut().push((level, line.to_owned()));
    }
}
