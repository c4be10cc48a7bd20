//! Whether a `user-agent` is a program's: a crawler, a monitor, a fetcher of previews, a browser without a screen.
//!
//! Programs that want to be known say so, in words that are few. Where a word may start is a look into a table of 256
//! bytes for each byte of the text; only there words are compared. Texts are bounded, so a client does not decide how
//! much work this is.

use crate::truth::Truth;

/// What is beyond is not looked at, in bytes: browsers need 300.
const MAX_LENGTH: usize = 2048;

/// How the text of a program starts. Libraries are named first, before what they add.
const FIRST_WORDS: [&str; 48] = [
    "ab/",
    "aiohttp/",
    "apachebench/",
    "aria2/",
    "axios/",
    "blackbox exporter",
    "consul health check",
    "curl",
    "envoy/hc",
    "faraday",
    "fetch/",
    "gatling",
    "go-http-client/",
    "got (",
    "grafana",
    "guzzlehttp",
    "hey/",
    "httpie/",
    "httpx",
    "insomnia/",
    "jakarta",
    "java/",
    "k6/",
    "kube-probe",
    "libcurl",
    "libwww",
    "locust",
    "lwp",
    "nagios",
    "node",
    "perl",
    "php",
    "postmanruntime",
    "prometheus/",
    "python",
    "reqwest",
    "rest-client",
    "ruby",
    "rust",
    "scrapy",
    "siege",
    "undici",
    "vegeta",
    "wget",
    "whatsapp/",
    "wordpress",
    "wrk",
    "zabbix",
];

/// Words of programs, wherever they stand. A `$` asks that no letter follows.
const WORDS: [&str; 106] = [
    "+http",
    "acunetix",
    "ahc/",
    "ahrefs",
    "amazon-route53",
    "anthropic-ai",
    "apache-httpclient",
    "apis-google",
    "appinsights",
    "archive.org",
    "archiver",
    "barkrowler",
    "bot$",
    "bots$",
    "catchpoint",
    "censys",
    "chatgpt-user",
    "check_http",
    "checkly",
    "claude-user",
    "claude-web",
    "cohere-ai",
    "crawl",
    "cypress/",
    "dareboost",
    "datadog",
    "dataprovider",
    "duplexweb-google",
    "elb-healthchecker",
    "embedly",
    "endpoint monitor",
    "expanse",
    "facebookcatalog",
    "facebookexternalhit",
    "feedbin",
    "feedburner",
    "feedfetcher",
    "feedly",
    "flipboardproxy",
    "freshping",
    "google favicon",
    "google web preview",
    "google-inspectiontool",
    "google-read-aloud",
    "google-site-verification",
    "googlehc",
    "googleimageproxy",
    "googleother",
    "gtmetrix",
    "headless",
    "health check",
    "healthcheck",
    "heritrix",
    "hetrixtools",
    "htmlunit",
    "ia_archiver",
    "iframely",
    "inoreader",
    "jmeter",
    "jsdom",
    "lighthouse",
    "link preview",
    "linkcheck",
    "linkdex",
    "linkpreview",
    "masscan",
    "mediapartners",
    "meta-external",
    "mistralai-user",
    "netcraft",
    "newrelic",
    "newsblur",
    "nikto",
    "nmap",
    "nuclei",
    "nutch",
    "omgili",
    "page speed",
    "pagespeed",
    "perplexity-user",
    "phantomjs",
    "pingdom",
    "playwright",
    "prefetch proxy",
    "prerender",
    "ptst/",
    "puppeteer",
    "qualys",
    "rss/",
    "scraper",
    "screaming frog",
    "seokicks",
    "simplepie",
    "site24x7",
    "sitebulb",
    "slack-imgproxy",
    "slurp",
    "spider",
    "sqlmap",
    "statuscake",
    "uptime",
    "uripreview",
    "url preview",
    "validator",
    "vkshare",
    "zgrab",
];

/// Which words start with a letter, by the lower five bits of its byte: those are the same in either case.
struct Starts {
    /// Where they stand in [`WORDS`], from and up to.
    range: (u8, u8),
    /// A bit for each byte that comes second in one of them, by its lower five bits.
    second: u32,
}

const STARTS: [Starts; 32] = starts();

#[allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated by the compiler, so a wrong index does not compile; there are fewer than 256 words"
)]
const fn starts() -> [Starts; 32] {
    let mut starts = [const { Starts { range: (0, 0), second: 0 } }; 32];
    let mut at = 0;
    while at < WORDS.len() {
        let word = WORDS[at].as_bytes();
        let of = &mut starts[(word[0] & 31) as usize];
        of.second |= 1 << (word[1] & 31);
        if of.range.1 == 0 {
            of.range.0 = at as u8;
        }
        at += 1;
        of.range.1 = at as u8;
    }
    starts
}

/// Whether this is the text of a program; unknown when it is too long to tell.
#[cold]
pub fn is_bot(agent: &[u8]) -> Truth {
    let looked_at = agent.get(..MAX_LENGTH).unwrap_or(agent);
    let first = FIRST_WORDS.iter().any(|word| starts_with(looked_at, word.as_bytes()));
    if first || has_word(looked_at) {
        return Truth::True;
    }
    if looked_at.len() < agent.len() { Truth::Unknown } else { Truth::False }
}

fn has_word(text: &[u8]) -> bool {
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let second = tail.first().copied().unwrap_or_default();
        let starts = STARTS.get(usize::from(first & 31));
        if let Some(starts) = starts.filter(|starts| starts.second >> (second & 31) & 1 == 1) {
            let before = text.get(..text.len() - rest.len()).unwrap_or_default();
            let (start, end) = starts.range;
            let words = WORDS.get(usize::from(start)..usize::from(end)).unwrap_or_default();
            if words.iter().any(|word| is_word(word.as_bytes(), before, rest)) {
                return true;
            }
        }
        rest = tail;
    }
    false
}

/// Whether `rest` starts with a word.
fn is_word(word: &[u8], before: &[u8], rest: &[u8]) -> bool {
    let Some(whole) = word.strip_suffix(b"$") else { return starts_with(rest, word) };
    if !starts_with(rest, whole) || rest.get(whole.len()).is_some_and(u8::is_ascii_alphabetic) {
        return false;
    }
    // Cubot makes phones.
    let (before, name) = before.split_at_checked(before.len().saturating_sub(2)).unwrap_or_default();
    !name.eq_ignore_ascii_case(b"cu") || before.last().is_some_and(u8::is_ascii_alphabetic)
}

fn starts_with(text: &[u8], start: &[u8]) -> bool {
    let same = |found: &[u8]| found.eq_ignore_ascii_case(start);
    // Most differ here, and a call costs more than this look.
    let first = |of: &[u8]| of.first().map(u8::to_ascii_lowercase);
    first(text) == first(start) && text.get(..start.len()).is_some_and(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn words_are_found_in_any_case_and_place() {
        for word in WORDS {
            let word = word.trim_end_matches('$');
            for text in [word.to_owned(), word.to_uppercase(), format!("Mozilla/5.0 (x; {word}/1.0)")] {
                assert_eq!(is_bot(text.as_bytes()), Truth::True, "{text}");
            }
        }
        for word in FIRST_WORDS {
            assert_eq!(is_bot(word.to_uppercase().as_bytes()), Truth::True, "{word}");
        }
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn no_word_is_there_twice_or_starts_another() {
        let mut words = WORDS.map(|word| word.trim_end_matches('$')).to_vec();
        let all = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), all);
        assert!(WORDS.iter().chain(&FIRST_WORDS).all(|word| *word == word.to_lowercase() && word.len() > 1));
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn a_word_that_goes_on_is_another() {
        for text in ["Mozilla/5.0 (Linux; Android 9; CUBOT X19)", "abbott", "Bottles/1", "cubot", "", "bo"] {
            assert_eq!(is_bot(text.as_bytes()), Truth::False, "{text}");
        }
        for text in ["xbot", "acubotx bot", "scubot/1", "robots"] {
            assert_eq!(is_bot(text.as_bytes()), Truth::True, "{text}");
        }
        assert_eq!(is_bot(b"\xff\xfebot\xff"), Truth::True);
        assert_eq!(is_bot(b"x\xffb"), Truth::False);
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn of_a_text_that_is_too_long_the_rest_is_unknown() {
        let long = |start: &str| [start.as_bytes(), &[b'x'; MAX_LENGTH]].concat();
        assert_eq!(is_bot(&long("Mozilla/5.0 ")), Truth::Unknown);
        assert_eq!(is_bot(&long("Googlebot ")), Truth::True);
        assert_eq!(is_bot(&[b'x'; MAX_LENGTH]), Truth::False);
    }
}
