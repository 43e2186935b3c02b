"""What the environment says, and how it is told that it is wrong.

Long because each setting has what is wrong with it.
"""

import os
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE, Popen
from sys import executable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields

from server.environment import read, secret
from server.errors import StartupError
from server.settings import ADDRESS, HTTP, IN_WORDS, ORIGIN, RATE, S3, Settings, TurnSettings

HOME = {"HOME": "/home/lan"}


def refusal(environ: dict[str, str]) -> str:
    with pytest.raises(StartupError) as refused:
        read(environ)
    return str(refused.value)


def test_an_empty_environment_is_enough() -> None:
    settings = read(HOME)
    assert (settings.host, settings.port, settings.dev_sign_in) == ("127.0.0.1", 8000, False)
    assert settings.turns == TurnSettings()
    assert settings.database_url is None


RING = f"now:{'MDEy' * 10}MDE=,before:{'MDEy' * 10}MDI="
EACH = [
    ("TUTORHUB_HOST", "::1", "::1"),
    ("TUTORHUB_PORT", "0", 0),
    ("TUTORHUB_DATA_DIR", "/data", Path("/data")),
    ("TUTORHUB_DATABASE_URL", "postgresql://db/t", "postgresql://db/t"),
    ("TUTORHUB_REPLICA_URLS", "postgresql://copy/t", "postgresql://copy/t"),
    ("TUTORHUB_REDIS_URL", "redis://redis", "redis://redis"),
    ("TUTORHUB_ROLES", "hub", "hub"),
    ("TUTORHUB_DRAIN", "3", 3.0),
    ("TUTORHUB_POOL_SIZE", "12", 12),
    ("TUTORHUB_ENCRYPTION_KEYS", RING, RING),
    ("TUTORHUB_JWT_SECRET", "s" * 32, "s" * 32),
    ("TUTORHUB_JWKS_URL", "https://id.example/keys", "https://id.example/keys"),
    ("TUTORHUB_JWT_ISSUER", "issuer", "issuer"),
    ("TUTORHUB_JWT_AUDIENCE", "audience", "audience"),
    ("TUTORHUB_DEV_SIGN_IN", "true", True),
    ("TUTORHUB_ORIGINS", "https://a.example, http://b.example:8080/", ("https://a.example", "http://b.example:8080")),
    ("TUTORHUB_TRUSTED_PROXIES", "10.0.0.0/8, ::1", ("10.0.0.0/8", "::1")),
    ("TUTORHUB_TLS_CERT", "/cert.pem", Path("/cert.pem")),
    ("TUTORHUB_TLS_KEY", "/key.pem", Path("/key.pem")),
    ("TUTORHUB_OPENAI_BASE_URL", "http://model/v1", "http://model/v1"),
    ("TUTORHUB_OPENAI_API_KEY", "key", "key"),
    ("TUTORHUB_OPENAI_MODEL", "model", "model"),
    ("TUTORHUB_OPENAI_PREFILL", "true", True),
    ("TUTORHUB_OPENAI_IMAGES", "true", True),
    ("TUTORHUB_OPENAI_TRANSCRIPTION_MODEL", "whisper", "whisper"),
    ("TUTORHUB_HISTORY_TOKENS", "100", 100),
    ("TUTORHUB_LOCAL_MODEL", "/model.gguf", Path("/model.gguf")),
    ("TUTORHUB_LOG_LEVEL", "debug", "debug"),
    ("TUTORHUB_WEB_DIR", "/page", Path("/page")),
]


@pytest.mark.parametrize(("variable", "text", "value"), EACH)
def test_every_setting_has_a_variable_of_its_name(variable: str, text: str, value: object) -> None:
    both = {"TUTORHUB_TLS_CERT": "/cert.pem", "TUTORHUB_TLS_KEY": "/key.pem"} if "_TLS_" in variable else {}
    both |= {"TUTORHUB_DATABASE_URL": "postgresql://db/t"} if "_REPLICA_" in variable else {}
    assert getattr(read({**HOME, **both, variable: text}), variable.removeprefix("TUTORHUB_").lower()) == value


def test_a_name_that_is_none_is_refused_with_the_one_that_may_be_meant() -> None:
    assert refusal({**HOME, "TUTORHUB_TURNS_LEASE": "5"}) == (
        "TUTORHUB_TURNS_LEASE: there is no such setting: TUTORHUB_TURN_LEASE may be meant"
    )
    assert refusal({**HOME, "TUTORHUB_QQQQQQ": "x"}) == "TUTORHUB_QQQQQQ: there is no such setting"
    assert read({**HOME, "TUTORHUB_URL": "http://hub", "TUTORHUB_JWT_SECRET_FILE": ""}).port == 8000


def test_a_lease_that_ends_before_it_is_renewed_is_refused() -> None:
    assert "TUTORHUB_TURN_KEEP_EVERY" in refusal({**HOME, "TUTORHUB_TURN_LEASE": "1.5"})


@pytest.mark.parametrize(("given", "missing"), [("CERT", "KEY"), ("KEY", "CERT")])
def test_a_certificate_and_its_key_belong_together(given: str, missing: str) -> None:
    assert refusal({**HOME, f"TUTORHUB_TLS_{given}": "/x.pem"}).startswith(f"TUTORHUB_TLS_{missing}: is needed")


def test_a_key_ring_that_is_none_is_refused_without_showing_it() -> None:
    told = refusal({**HOME, "TUTORHUB_ENCRYPTION_KEYS": f"{RING},later:c2VjcmV0"})
    assert told == "TUTORHUB_ENCRYPTION_KEYS: entry 3, later: its key has 6 bytes, expected 32"


def test_no_setting_is_without_a_variable() -> None:
    names = {f"TUTORHUB_{field.name.upper()}" for field in fields(Settings)}
    assert names - {"TUTORHUB_TURNS", "TUTORHUB_LIMITS", "TUTORHUB_MEDIA"} == {variable for variable, _, _ in EACH}


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("hub,tutor", "hub,tutor"),
        (" tutor , hub ", "hub,tutor"),
        ("hub, hub", "hub"),
        ("tutor", "tutor"),
        ("  ", "hub,tutor"),
    ],
)
def test_roles_are_in_any_order_and_may_have_blanks(text: str, roles: str) -> None:
    assert read({**HOME, "TUTORHUB_ROLES": text}).roles == roles


@pytest.mark.parametrize("text", ["teacher", "hub,", "hub tutor", "hub,tutor,cook"])
def test_other_roles_are_refused_by_name(text: str) -> None:
    assert refusal({**HOME, "TUTORHUB_ROLES": text}).startswith(
        "TUTORHUB_ROLES: expected hub,tutor or hub or tutor (it is "
    )


@pytest.mark.parametrize(
    "url",
    [
        "redis://cache",
        "redis://:pass@cache:6379/2",
        "rediss://user:pass@cache?health_check_interval=2",
        "redis://[::1]:6379",
        "unix:///run/redis.sock",
        "unix:///run/a%20folder/redis.sock?db=1",
    ],
)
def test_a_url_of_a_redis_is_taken_as_it_is(url: str) -> None:
    assert read({**HOME, "TUTORHUB_REDIS_URL": url}).redis_url == url


@pytest.mark.parametrize(
    "url",
    [
        "cache:6379",
        "http://canary@cache",
        "redis://",
        "redis://:canary@:6379",
        "redis://:canary@cache:port",
        "redis://:canary@cache:70000",
        "redis://:canary@cache:0",
        "redis://:canary@[::1",
        "unix://",
        "unix:///",
    ],
)
@pytest.mark.parametrize("variable", ["TUTORHUB_REDIS_URL", "REDIS_URL"])
def test_a_url_that_is_of_no_redis_is_refused_by_name_and_without_its_password(variable: str, url: str) -> None:
    assert refusal({**HOME, variable: url}) == (
        "TUTORHUB_REDIS_URL: expected redis://HOST:PORT, rediss://HOST:PORT or unix:///PATH"
    )


@pytest.mark.parametrize("count", ["2", "16", "auto"])
def test_several_workers_in_one_process_are_refused_with_what_to_do_instead(count: str) -> None:
    told = refusal({**HOME, "WEB_CONCURRENCY": count})
    assert told.startswith("WEB_CONCURRENCY: ")
    assert "several instances" in told


@pytest.mark.parametrize("count", ["", " ", "1"])
def test_one_worker_is_what_an_instance_is(count: str) -> None:
    assert read({**HOME, "WEB_CONCURRENCY": count}) == read(HOME)


@pytest.mark.parametrize("field", fields(TurnSettings), ids=lambda field: field.name)
def test_every_time_limit_of_a_turn_has_a_variable_of_its_name(field: object) -> None:
    name = str(getattr(field, "name"))  # noqa: B009 (a pytest parameter has no type)
    turns = read({**HOME, f"TUTORHUB_TURN_{name.upper()}": "3"}).turns
    assert getattr(turns, name) == 3


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_MODEL"])
def test_names_that_others_use_are_understood_and_ours_win(name: str) -> None:
    scheme = "redis" if name == "REDIS_URL" else "http"
    theirs, ours = f"{scheme}://theirs", f"{scheme}://ours"
    assert getattr(read({**HOME, name: theirs}), name.lower()) == theirs
    assert getattr(read({**HOME, name: theirs, f"TUTORHUB_{name}": ours}), name.lower()) == ours


def test_a_name_that_others_use_is_not_understood_for_the_rest() -> None:
    assert read({**HOME, "PORT": "9", "HOST": "0.0.0.0"}).port == 8000


def test_an_empty_variable_is_as_good_as_none() -> None:
    environ = {f"TUTORHUB_{field.name.upper()}": " " for field in fields(Settings)}
    assert read({**HOME, **environ}) == read(HOME)


def test_a_secret_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("k" * 40 + "\n")
    settings = read({**HOME, "TUTORHUB_JWT_SECRET_FILE": str(file), "OPENAI_API_KEY_FILE": str(file)})
    assert (settings.jwt_secret, settings.openai_api_key) == ("k" * 40, "k" * 40)


def test_a_file_of_a_secret_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    environ = {**HOME, "TUTORHUB_JWT_SECRET_FILE": str(tmp_path / "none")}
    assert refusal(environ).startswith(f"TUTORHUB_JWT_SECRET_FILE: {tmp_path / 'none'} cannot be read")


def test_all_bad_values_are_told_at_once_each_in_a_line_that_names_it() -> None:
    told = refusal(
        {
            **HOME,
            "TUTORHUB_PORT": "65536",
            "TUTORHUB_POOL_SIZE": "1",
            "TUTORHUB_DEV_SIGN_IN": "perhaps",
            "OPENAI_BASE_URL": "model.example",
            "TUTORHUB_TURN_LEASE": "0",
            "TUTORHUB_LOG_LEVEL": "loud",
        }
    )
    assert set(told.splitlines()) == {
        "TUTORHUB_PORT: expected a whole number <= 65535 (it is '65536')",
        "TUTORHUB_POOL_SIZE: expected a whole number >= 2 (it is '1')",
        "TUTORHUB_DEV_SIGN_IN: expected true or false (it is 'perhaps')",
        "OPENAI_BASE_URL: expected text that begins with http:// or https:// (it is 'model.example')",
        "TUTORHUB_TURN_LEASE: expected a number > 0.0 (it is '0')",
        "TUTORHUB_LOG_LEVEL: expected debug or info or warning or error (it is 'loud')",
    }


@pytest.mark.parametrize(
    ("variable", "pattern"),
    [
        ("TUTORHUB_LIMIT_SENDS", RATE),
        ("TUTORHUB_TRUSTED_PROXIES", ADDRESS),
        ("TUTORHUB_ORIGINS", ORIGIN),
        ("TUTORHUB_MEDIA_URL", S3),
        ("OPENAI_BASE_URL", HTTP),
    ],
)
def test_what_has_a_form_is_refused_with_it_in_words(variable: str, pattern: str) -> None:
    assert refusal({**HOME, variable: "lots"}) == f"{variable}: expected text {IN_WORDS[pattern]} (it is 'lots')"


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1", "1e400", "soon"])
def test_a_time_limit_is_a_number_of_seconds(seconds: str) -> None:
    assert refusal({**HOME, "TUTORHUB_TURN_SILENCE": seconds}).startswith("TUTORHUB_TURN_SILENCE: expected a ")


def test_a_bad_secret_is_never_shown() -> None:
    told = refusal({**HOME, "TUTORHUB_JWT_SECRET": "too short"})
    assert told == "TUTORHUB_JWT_SECRET: expected text of length >= 32"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "hub.example"])
def test_development_sign_in_is_refused_where_others_can_reach_it(host: str) -> None:
    told = refusal({**HOME, "TUTORHUB_DEV_SIGN_IN": "1", "TUTORHUB_HOST": host})
    assert told.startswith("TUTORHUB_DEV_SIGN_IN: ")
    assert host in told


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_development_sign_in_is_for_this_machine(host: str) -> None:
    assert read({**HOME, "TUTORHUB_DEV_SIGN_IN": "1", "TUTORHUB_HOST": host}).dev_sign_in


def test_the_data_of_a_user_are_in_the_users_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert read(HOME).data_dir == Path("/home/lan/.local/share/tutorhub")
    assert read({**HOME, "XDG_DATA_HOME": "/share"}).data_dir == Path("/share/tutorhub")


def test_the_data_of_root_are_where_nobody_can_reach_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert read(HOME).data_dir == Path("/var/lib/tutorhub/data")


def test_a_relative_folder_is_of_the_folder_we_were_started_in() -> None:
    assert read({**HOME, "TUTORHUB_DATA_DIR": "here"}).data_dir == Path.cwd() / "here"


@given(
    st.dictionaries(
        st.sampled_from([f"TUTORHUB_{field.name.upper()}" for field in fields(Settings)]),
        st.text(st.characters(exclude_characters="\0", codec="utf-8")),
    )
)
def test_no_environment_makes_it_fail_in_another_way(environ: dict[str, str]) -> None:
    with suppress(StartupError):
        assert read({**HOME, **environ})


def test_a_secret_that_was_set_is_used(tmp_path: Path) -> None:
    settings = read({**HOME, "TUTORHUB_DATA_DIR": str(tmp_path), "TUTORHUB_JWT_SECRET": "s" * 32})
    assert secret(settings) == "s" * 32
    assert not list(tmp_path.iterdir())


def test_a_secret_that_was_not_set_is_made_once_and_kept_for_its_owner_only(tmp_path: Path) -> None:
    settings = read({**HOME, "TUTORHUB_DATA_DIR": str(tmp_path / "new")})
    made = secret(settings)
    assert len(made) >= 32
    assert secret(settings) == made
    [file] = (tmp_path / "new").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_processes_that_start_together_agree_on_the_secret(tmp_path: Path) -> None:
    program = "from server.environment import read, secret; print(secret(read()))"
    environ = {**os.environ, "TUTORHUB_DATA_DIR": str(tmp_path)}
    processes = [Popen([executable, "-c", program], env=environ, stdout=PIPE, text=True) for _ in range(4)]
    assert len({process.communicate()[0] for process in processes}) == 1


def test_a_folder_that_cannot_keep_the_secret_is_a_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartupError, match=r"jwt-secret: .*\. Set TUTORHUB_JWT_SECRET"):
        secret(read({**HOME, "TUTORHUB_DATA_DIR": str(tmp_path / "file")}))


def test_a_secret_that_is_an_empty_file_is_refused(tmp_path: Path) -> None:
    """It may be mounted late, and without a key ring what is said would be stored as it is."""
    (tmp_path / "keys").touch()
    told = refusal({**HOME, "TUTORHUB_ENCRYPTION_KEYS_FILE": str(tmp_path / "keys")})
    assert told == f"TUTORHUB_ENCRYPTION_KEYS_FILE: {tmp_path / 'keys'} is empty"


@pytest.mark.parametrize("wrong", ["10.0.0.1/8", "999.9.9.9", "::1/200"])
def test_a_proxy_that_cannot_be_one_is_refused(wrong: str) -> None:
    assert refusal({**HOME, "TUTORHUB_TRUSTED_PROXIES": wrong}).startswith("TUTORHUB_TRUSTED_PROXIES: ")


def test_replicas_are_addresses_of_copies_of_a_database_that_is_named() -> None:
    named = {"TUTORHUB_DATABASE_URL": "postgresql:///a", "TUTORHUB_DATA_DIR": "/tmp"}
    two = "postgresql://one/a\n postgres://two/a"
    assert read(named | {"TUTORHUB_REPLICA_URLS": two}).replica_urls == two
    with pytest.raises(StartupError, match=r"TUTORHUB_REPLICA_URLS: expected postgresql://") as refused:
        read(named | {"TUTORHUB_REPLICA_URLS": "two:secret"})
    assert "secret" not in str(refused.value)
    with pytest.raises(StartupError, match="TUTORHUB_DATABASE_URL is needed too"):
        read({"TUTORHUB_DATA_DIR": "/tmp", "TUTORHUB_REPLICA_URLS": two})
