//! The lines `#   curl …` of a file as requests.

use weir_tests::client::Request;

/// The request that `curl` would send: `-X`, `-H`, `-b` and a URL are known, anything else is a failure.
pub(super) fn request(line: &str) -> Request {
    let mut request = Request::get("/");
    let mut words = words(line).into_iter();
    while let Some(word) = words.next() {
        let mut next = || words.next().expect("an option's value");
        match word.as_str() {
            "-X" => request.method = next(),
            "-b" => request = request.header("cookie", next()),
            "-H" => {
                let header = next();
                let (name, value) = header.split_once(": ").expect("a header");
                request = request.header(name, value);
            }
            url => {
                let path = url
                    .strip_prefix("http://127.0.0.1:10000")
                    .unwrap_or_else(|| panic!("curl {line}: {url}"));
                request.path = path.to_owned();
            }
        }
    }
    request
}

/// Words with single quotes around those that contain blanks.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('\'').enumerate();
    let words = parts.flat_map(|(index, part)| match index % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}
