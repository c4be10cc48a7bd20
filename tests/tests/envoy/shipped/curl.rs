//! The lines `#   curl …` of a file as requests.

use weir_tests::client::Request;

/// The lines `#   name='text'` of a file: what follows `$name` in its requests.
pub(super) fn variables(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("#   ")?.split_once("='"));
    lines.filter_map(|(name, rest)| Some((format!("${name}"), rest.strip_suffix('\'')?.to_owned()))).collect()
}

/// The request that `curl` would send: `-X`, `-H`, `-b` and a URL are known, anything else is a failure.
pub(super) fn request(line: &str, variables: &[(String, String)]) -> Request {
    let mut request = Request::get("/");
    let known = |word: &str| variables.iter().find(|(name, _)| name == word).map(|(_, text)| text.clone());
    let mut words = words(line).into_iter().map(|word| known(&word).unwrap_or(word));
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

/// Words with quotes around those that contain blanks.
fn words(line: &str) -> Vec<String> {
    let parts = line.split(['\'', '"']).enumerate();
    let words = parts.flat_map(|(index, part)| match index % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}
