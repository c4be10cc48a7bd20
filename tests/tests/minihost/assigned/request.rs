//! Requests by chance, as options of `weir assign` and as the mini host takes them.

use crate::chance::Chance;
use crate::tokens::tokens;
use serde_json::Value;
use weir_tests::minihost::Request;

#[derive(Debug)]
pub(super) struct Asked {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    cookies: Vec<String>,
}

impl Asked {
    /// One that the configuration may have something to say about.
    pub(super) fn any(chance: &mut Chance, config: &Value) -> Self {
        let method = chance.of(&["GET", "GET", "GET", "POST", "OPTIONS"]);
        let path = chance.of(&["/", "/", "/shop", "/shop/cart", "/orders", "/orders/7", "/calm"]);
        let mut it = Self { method, path: path.to_owned(), headers: Vec::new(), cookies: Vec::new() };
        let mut query = Vec::new();
        let user = format!("user-{}", chance.below(1000));
        for (name, value) in [
            ("x-country", chance.of(&["de", "fr", "us"])),
            ("x-plan", chance.of(&["pro", "Gold", "free"])),
            ("x-age", chance.of(&["20", "40", "many"])),
            ("x-user-id", user.as_str()),
            ("x-user-id", user.as_str()),
        ] {
            if chance.once_in(2) && !it.headers.iter().any(|(known, _)| known == name) {
                it.add(name, value);
            }
        }
        for (name, value) in [
            ("x-friend", "1"),
            ("x-force", "checkout=b"),
            ("x-calm", "1"),
            ("origin", "https://shop.example.com"),
            ("access-control-request-method", "POST"),
            ("baggage", "weir.checkout=a,other=1,weir.gone=b"),
            // What clients must not send.
            ("x-weir-route", "v2"),
            ("x-experiments", "checkout=b,search=a"),
            ("x-weir-experiment-checkout", "b"),
            ("x-weir-experiment-gone", "b"),
            ("x-weir-other", "1"),
            ("x-auth-user-id", "root"),
            ("x-sub", "root"),
            ("x-payload", "e30"),
            ("x-old", "1"),
            ("x-gone-too", "1"),
        ] {
            if chance.once_in(6) {
                it.add(name, value);
            }
            if chance.once_in(30) {
                it.add(name, "again");
            }
        }
        for name in ["uid", "weir-id"] {
            if chance.once_in(2) {
                it.cookies.push(format!("{name}={:032x}", chance.below(1 << 30)));
            }
        }
        for part in ["beta=1", "force=checkout%3Da", "a=b"] {
            if chance.once_in(4) {
                query.push(part.to_owned());
            }
        }
        if chance.below(3) > 0 {
            let token = chance.of(&tokens());
            let from = &config["jwt"]["providers"]["example"]["from"];
            if from["headers"].is_array() {
                it.add("x-token", &token);
            } else if from["cookies"].is_array() {
                it.cookies.push(format!("token={token}"));
            } else if from["params"].is_array() {
                query.push(format!("token={token}"));
            } else {
                it.add("authorization", &format!("Bearer {token}"));
            }
        }
        if !query.is_empty() {
            it.path = format!("{}?{}", it.path, query.join("&"));
        }
        it
    }

    fn add(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// All lines, with those of the request line.
    pub(super) fn headers(&self) -> Vec<(String, String)> {
        let pairs = |(name, value): &(Vec<u8>, Vec<u8>)| {
            (String::from_utf8_lossy(name).into_owned(), String::from_utf8_lossy(value).into_owned())
        };
        let request = self.request();
        let all: Vec<_> = request.headers.pairs().iter().map(|(n, v)| (n.to_vec(), v.to_vec())).collect();
        all.iter().map(pairs).collect()
    }

    /// As the mini host takes it.
    pub(super) fn request(&self) -> Request {
        let start = Request::new(self.method, "shop.example.com", &self.path);
        let request = self.headers.iter().fold(start, |request, (name, value)| request.header(name, value));
        if self.cookies.is_empty() { request } else { request.header("cookie", self.cookies.join("; ")) }
    }

    /// As the program takes it.
    pub(super) fn options(&self) -> Vec<String> {
        let mut options = vec!["--method".to_owned(), self.method.to_owned()];
        options.extend(["--host".into(), "shop.example.com".into(), "--path".into(), self.path.clone()]);
        for (name, value) in &self.headers {
            options.extend(["-H".into(), format!("{name}: {value}")]);
        }
        for cookie in &self.cookies {
            options.extend(["--cookie".into(), cookie.clone()]);
        }
        options
    }
}
