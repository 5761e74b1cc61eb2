"""Every setting of Pegbar: its type, default, environment variable and one line of help.

The names are those that studios already have in their environment files (`DB_HOST`, `SECRET_KEY`, `PREVIEW_FOLDER`...);
what is Pegbar's own starts with `PEGBAR_`. docs/configuration.md is generated from this list.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from pegbar.environment import described, page, read, setting

#: How other programs write the start of a PostgreSQL URL.
_DRIVER = re.compile(r"^postgres(ql)?(\+\w+)?://")


def postgresql(url: str) -> str:
    """The URL of a PostgreSQL as our drivers take it."""
    return _DRIVER.sub("postgresql://", url)


# The sections of the page, in its order.
_server = partial(setting, section="Server")
_database = partial(setting, section="Database")
_accounts = partial(setting, section="Accounts and security")
_sign_on = partial(setting, section="Single sign-on")
_mail = partial(setting, section="Mails")
_storage = partial(setting, section="Storage and media")
_backup = partial(setting, section="Backups")
_ui = partial(setting, section="Web UI and integrations")
_webhooks = partial(setting, section="Webhooks")


@dataclass(frozen=True)
class Settings:
    """The settings of this process."""

    data_folder: Path = _server(
        Path("data"), "PEGBAR_DATA", "Folder of the embedded database, the secret key and the stored files"
    )
    host: str = _server("127.0.0.1", "PEGBAR_HOST", "Address to listen on")
    port: int = _server(8000, "PEGBAR_PORT", "Port to listen on", least=1, most=65535)
    workers: int = _server(1, "PEGBAR_WORKERS", "API worker processes", least=1, most=256)
    sockets_at: str = _server(
        "",
        "PEGBAR_SOCKETS_AT",
        "Unix socket of the process that holds live sockets for several workers; `pegbar serve` sets it",
    )
    debug: bool = _server(False, "DEBUG", "Answer internal errors with their message and stack")
    log_level: str = _server("info", "LOGLEVEL", "How much is logged", choices=("debug", "info", "warning", "error"))
    log_format: str = _server(
        "text", "PEGBAR_LOG_FORMAT", "text for people, json for log collectors", choices=("text", "json")
    )
    max_content_length: int = _server(
        10 * 1024**3, "MAX_CONTENT_LENGTH", "Largest request body in bytes; 0 for no limit"
    )
    compression: bool = _server(
        True, "PEGBAR_COMPRESSION", "Answers go out as gzip or Zstandard to who takes them; false where a proxy does it"
    )
    max_json_length: int = _server(64 * 1024**2, "PEGBAR_MAX_JSON_LENGTH", "Largest JSON request body in bytes")
    max_json_depth: int = _server(64, "PEGBAR_MAX_JSON_DEPTH", "Deepest nesting of a JSON request body")
    nb_records_per_page: int = _server(
        100, "NB_RECORDS_PER_PAGE", "Rows in a page of a listing unless the request asks otherwise"
    )
    cors_allowed_origins: list[str] = _server(
        [],
        "CORS_ALLOWED_ORIGINS",
        "Origins allowed to call the API with credentials, separated by `;`; an exact origin or a regular expression",
    )
    trusted_proxies: list[str] = _server(
        ["127.0.0.1", "::1"],
        "PEGBAR_TRUSTED_PROXIES",
        "Addresses and networks whose `X-Real-IP`, `X-Forwarded-For` and `X-Forwarded-Proto` are believed, separated by `;`",
    )
    streams_per_person: int = _server(
        32,
        "PEGBAR_STREAMS_PER_PERSON",
        "Long answers (boards, lists) that an API worker sends one person at once, more are 429; 0 for no limit",
        least=0,
    )
    stream_patience: float = _server(
        120.0,
        "PEGBAR_STREAM_PATIENCE",
        "Seconds that a client may take nothing of its answer, then it is given up",
        least=1,
    )
    requests_at_once: int = _server(
        256,
        "PEGBAR_REQUESTS_AT_ONCE",
        "Requests of one person that an API worker has under way at once, more are 429; 0 for no limit",
        least=0,
    )
    bot_requests_at_once: int = _server(
        1024, "PEGBAR_BOT_REQUESTS_AT_ONCE", "The same of a bot, or an API token of a person", least=0
    )
    requests_per_minute: int = _server(
        0,
        "PEGBAR_REQUESTS_PER_MINUTE",
        "Requests that an API worker takes from one person a minute, more are 429; 0 for no limit",
        least=0,
    )
    bot_requests_per_minute: int = _server(
        0, "PEGBAR_BOT_REQUESTS_PER_MINUTE", "The same of a bot, or an API token of a person", least=0
    )
    feed_streams: int = _server(
        2000, "PEGBAR_FEED_STREAMS", "Clients that listen to the feed of events at an API worker, more are 503", least=1
    )
    feed_streams_per_person: int = _server(
        50,
        "PEGBAR_FEED_STREAMS_PER_PERSON",
        "Those of one person, more are 429; 0 for no limit",
        least=0,
    )
    feed_keep_alive: float = _server(
        15.0,
        "PEGBAR_FEED_KEEP_ALIVE",
        "Seconds without an event after which a listener is told that the feed still lives",
        least=0.5,
    )
    spool_per_person: int = _server(
        1024**3,
        "PEGBAR_SPOOL_PER_PERSON",
        "Bytes of answers that an API worker keeps on disk for the slow readers of one person; 0 for no limit",
        least=0,
    )
    spool_limit: int = _server(
        4 * 1024**3,
        "PEGBAR_SPOOL",
        "Bytes of answers that an API worker keeps on disk for all slow readers, in TMP_DIR; 0 for no limit",
        least=0,
    )
    slow_request: float = _server(
        1.0,
        "PEGBAR_SLOW_REQUEST",
        "Seconds from which on a request is noted as slow, for the console; 0 notes none. Uploads are not noted",
        least=0,
    )
    query_rows: int = _server(
        100_000, "PEGBAR_QUERY_ROWS", "Rows that the answer to a query (`/open/v1/query`) holds at most", least=1
    )
    query_cost: float = _server(
        1_000_000.0,
        "PEGBAR_QUERY_COST",
        "Cost that PostgreSQL may estimate for a query before it runs, else it is refused (400)",
        least=1,
    )
    query_seconds: float = _server(
        30.0,
        "PEGBAR_QUERY_SECONDS",
        "Seconds that a query may take until its first rows, and then each piece of its answer",
        least=0.1,
    )
    metrics_enabled: bool = _server(False, "PROMETHEUS_METRICS_ENABLED", "Serve Prometheus metrics at /metrics")
    drain: float = _server(
        0.0,
        "PEGBAR_DRAIN",
        "Seconds that a server told to stop goes on answering, with 503 at /status/ready, so that load balancers leave it",
        least=0,
        most=600,
    )
    traces: bool = _server(
        False,
        "PEGBAR_TRACES",
        "Send traces by OpenTelemetry, to where OTEL_EXPORTER_OTLP_ENDPOINT says; needs the extra pegbar[otel]",
    )
    job_stalled_after: float = _server(
        30.0,
        "PEGBAR_JOB_STALLED_AFTER",
        "Seconds without a sign of life after which a worker's jobs go back to the queue",
    )
    event_retention_days: int = _server(
        0, "PEGBAR_EVENT_RETENTION_DAYS", "Days to keep the event log; 0 keeps it for ever"
    )
    history_days: int = _server(
        730,
        "PEGBAR_HISTORY_DAYS",
        "Days to keep who changed which row from what to what, by whole months; 0 keeps it for ever",
        least=0,
    )
    export_own_productions: bool = _server(
        False,
        "PEGBAR_EXPORT_OWN_PRODUCTIONS",
        "Exports of all productions (`projects`, `tasks`, `time-spents`) hold those of a manager's own teams only",
    )

    database_url: str = _database(
        "",
        "DATABASE_URL PEGBAR_DATABASE_URL",
        "PostgreSQL to use instead of the embedded one, as postgresql://user:password@host:port/name",
    )
    db_host: str = _database("", "DB_HOST", "Host of an external PostgreSQL, when DATABASE_URL is not set")
    db_port: int = _database(5432, "DB_PORT", "Its port")
    db_username: str = _database("postgres", "DB_USERNAME", "Its user")
    db_password: str = _database("", "DB_PASSWORD", "Its password")
    db_database: str = _database("zoudb", "DB_DATABASE", "Its database")
    db_pool_size: int = _database(10, "DB_POOL_SIZE", "Connections an API worker may open")
    pooler_url: str = _database(
        "",
        "PEGBAR_POOLED_DATABASE_URL",
        "Address of a pooler of connections (PgBouncer, in transaction mode) for requests; DATABASE_URL stays the "
        "server's own, for what keeps a session",
    )
    pooler_prepares: bool = _database(
        True,
        "PEGBAR_POOLED_STATEMENTS",
        "The pooler keeps prepared statements (PgBouncer 1.21 or newer, with max_prepared_statements)",
    )
    replica_url: str = _database(
        "",
        "PEGBAR_REPLICA_URL",
        "PostgreSQL that is a streaming replica of the database, for long lists and searches",
    )
    postgres_options: str = _database(
        "", "PEGBAR_POSTGRES_OPTIONS", "Extra `name=value` settings of the embedded PostgreSQL, separated by spaces"
    )

    secret_key: str = _accounts("", "SECRET_KEY", "Key that signs tokens; generated in the data folder when not set")
    admin_email: str = _accounts("", "PEGBAR_ADMIN_EMAIL", "Administrator to create at the first start")
    admin_password: str = _accounts(
        "", "PEGBAR_ADMIN_PASSWORD", "Their password; generated and printed once when not set"
    )
    auth_strategy: str = _accounts(
        "auth_local_classic", "AUTH_STRATEGY", "auth_local_classic, auth_local_no_password or auth_remote_ldap"
    )
    bcrypt_log_rounds: int = _accounts(12, "BCRYPT_LOG_ROUNDS", "Cost of password hashes")
    min_password_length: int = _accounts(8, "MIN_PASSWORD_LENGTH", "Shortest password accepted")
    protected_accounts: list[str] = _accounts(
        [], "PROTECTED_ACCOUNTS", "E-mails that nobody else can edit, deactivate or delete, separated by `;`"
    )
    enforce_2fa: bool = _accounts(False, "ENFORCE_2FA", "Require a second factor of everybody")
    exempt_from_2fa: list[str] = _accounts(
        [], "2FA_EXEMPT_USERS", "E-mails exempt from it, separated by `,`", separator=","
    )
    refresh_cookie_paths: list[str] = _accounts(
        ["/api/auth/refresh-token", "/auth/refresh-token"],
        "PEGBAR_REFRESH_COOKIE_PATHS",
        "Paths browsers know the refresh route by, separated by `;`; change it when a proxy mounts the API elsewhere",
    )
    user_limit: int = _accounts(
        0, "USER_LIMIT", "Active persons allowed, bots and guests aside; 0 for no limit", least=0
    )
    login_rate_limit: int = _accounts(
        60,
        "PEGBAR_LOGIN_RATE_LIMIT",
        "Failed sign-in or one-time-code attempts an address may make in a minute; 0 for no limit",
    )
    share_guests_per_hour: int = _accounts(
        100,
        "PEGBAR_SHARE_GUESTS_PER_HOUR",
        "Guests that may come in by one share link in an hour; 0 for no limit",
        least=0,
    )
    share_comments_per_hour: int = _accounts(
        600,
        "PEGBAR_SHARE_COMMENTS_PER_HOUR",
        "Comments that guests of one share link may post, change or delete in an hour, files of them too; 0 for no limit",
        least=0,
    )
    share_drawings_per_hour: int = _accounts(
        20_000,
        "PEGBAR_SHARE_DRAWINGS_PER_HOUR",
        "Changes of annotations that guests of one share link may make in an hour; 0 for no limit",
        least=0,
    )
    share_upload_size: int = _accounts(
        100 * 1024**2,
        "PEGBAR_SHARE_UPLOAD_SIZE",
        "Bytes that a guest of a share link may attach to a comment at once",
        least=0,
    )
    share_upload_total: int = _accounts(
        5 * 1024**3,
        "PEGBAR_SHARE_UPLOAD_TOTAL",
        "Bytes that guests of one share link may attach in all; 0 for no limit",
        least=0,
    )
    admin_token: str = _accounts("", "ADMIN_TOKEN", "Bearer token that opens GET /admin/config/check")
    default_timezone: str = _accounts("Europe/Paris", "DEFAULT_TIMEZONE", "Time zone of new persons")
    default_locale: str = _accounts("en_US", "DEFAULT_LOCALE", "Locale of new persons")

    sign_on_file: str = _sign_on(
        "",
        "PEGBAR_SIGN_ON_FILE",
        "TOML file of providers of single sign-on and directories; `sign-on.toml` in the data folder unless set",
    )
    saml_enabled: bool = _sign_on(False, "SAML_ENABLED", "Sign in with the SAML provider that is set here")
    saml_idp_name: str = _sign_on("", "SAML_IDP_NAME", "What the web UI calls it")
    saml_metadata_url: str = _sign_on("", "SAML_METADATA_URL", "Address of its metadata")
    saml_skip_2fa: bool = _sign_on(False, "SAML_SKIP_2FA", "ENFORCE_2FA asks for no second factor of who comes from it")
    saml_subject_attribute: str = _sign_on(
        "", "SAML_SUBJECT_ATTRIBUTE", "Attribute that names a person for good; the e-mail address unless set"
    )
    oidc_enabled: bool = _sign_on(False, "OIDC_ENABLED", "Sign in with the OpenID Connect provider that is set here")
    oidc_idp_name: str = _sign_on("", "OIDC_IDP_NAME", "What the web UI calls it")
    oidc_discovery_url: str = _sign_on(
        "", "OIDC_DISCOVERY_URL", "Its discovery document, https://…/.well-known/openid-configuration"
    )
    oidc_client_id: str = _sign_on("", "OIDC_CLIENT_ID", "What it calls this server")
    oidc_client_secret: str = _sign_on("", "OIDC_CLIENT_SECRET", "The secret it gave this server")
    oidc_scopes: str = _sign_on("openid email profile", "OIDC_SCOPES", "What is asked of it, separated by spaces")
    oidc_email_claim: str = _sign_on("email", "OIDC_EMAIL_CLAIM", "Claim that holds the e-mail address")
    oidc_given_name_claim: str = _sign_on("given_name", "OIDC_GIVEN_NAME_CLAIM", "Claim that holds the first name")
    oidc_family_name_claim: str = _sign_on("family_name", "OIDC_FAMILY_NAME_CLAIM", "Claim that holds the last name")
    oidc_require_email_verified: bool = _sign_on(
        True, "OIDC_REQUIRE_EMAIL_VERIFIED", "Refuse an address that it does not say is verified"
    )
    oidc_skip_2fa: bool = _sign_on(False, "OIDC_SKIP_2FA", "ENFORCE_2FA asks for no second factor of who comes from it")
    ldap_host: str = _sign_on("127.0.0.1", "LDAP_HOST", "Host of the directory of AUTH_STRATEGY=auth_remote_ldap")
    ldap_port: int = _sign_on(389, "LDAP_PORT", "Its port", least=1, most=65535)
    ldap_base_dn: str = _sign_on("cn=Users,dc=zou,dc=local", "LDAP_BASE_DN", "Where its people are")
    ldap_group: str = _sign_on("", "LDAP_GROUP", "Group whose members come over; everybody unless set")
    ldap_domain: str = _sign_on("zou.local", "LDAP_DOMAIN", "Domain of Active Directory")
    ldap_fallback: bool = _sign_on(
        False, "LDAP_FALLBACK", "With auth_remote_ldap, persons who are not from the directory use their local password"
    )
    ldap_is_ad: bool = _sign_on(False, "LDAP_IS_AD", "It is Active Directory: bind as LDAP_DOMAIN\\login")
    ldap_is_ad_simple: bool = _sign_on(
        False, "LDAP_IS_AD_SIMPLE", "It is Active Directory: bind as cn=login,LDAP_BASE_DN"
    )
    ldap_ssl: bool = _sign_on(False, "LDAP_SSL", "Connect with TLS")
    ldap_start_tls: bool = _sign_on(False, "PEGBAR_LDAP_START_TLS", "Begin TLS after connecting")
    ldap_verify: bool = _sign_on(True, "PEGBAR_LDAP_VERIFY", "Check its certificate")
    ldap_ca_file: str = _sign_on(
        "", "PEGBAR_LDAP_CA_FILE", "File of certificate authorities to believe besides the system's"
    )
    ldap_authentication: str = _sign_on(
        "",
        "PEGBAR_LDAP_AUTHENTICATION",
        "With LDAP_IS_AD: ntlm, or simple as login@domain; simple over TLS and else ntlm unless set",
        choices=("ntlm", "simple"),
    )
    ldap_timeout: float = _sign_on(10.0, "PEGBAR_LDAP_TIMEOUT", "Seconds that it may take to answer", least=1, most=60)
    ldap_group_base_dn: str = _sign_on(
        "", "PEGBAR_LDAP_GROUP_BASE_DN", "Where its groups are; below LDAP_BASE_DN unless set"
    )
    ldap_user: str = _sign_on("", "LDAP_USER", "User that reads it, for `pegbar directory sync`")
    ldap_password: str = _sign_on("password", "LDAP_PASSWORD", "Their password")
    ldap_email_domain: str = _sign_on("studio.local", "EMAIL_DOMAIN", "Domain of addresses of entries that have none")
    ldap_excluded_accounts: list[str] = _sign_on(
        [], "LDAP_EXCLUDED_ACCOUNTS", "Logins that do not come over, separated by `,`", separator=","
    )
    directory_sync_every: int = _sign_on(
        0,
        "PEGBAR_DIRECTORY_SYNC_EVERY",
        "Minutes between runs of `pegbar directory sync` by the server itself, of five or more; 0 for none",
        least=0,
    )

    domain_name: str = _mail(
        "localhost:8080", "DOMAIN_NAME", "Public host of the web UI, for links in mails and for security keys"
    )
    domain_protocol: str = _mail("https", "DOMAIN_PROTOCOL", "http or https")
    mail_enabled: bool = _mail(True, "MAIL_ENABLED", "Send mails; they need MAIL_SERVER")
    mail_server: str = _mail(
        "",
        "MAIL_SERVER",
        "SMTP host; without one, account mails are written to the log and notifications are not mailed",
    )
    mail_port: int = _mail(25, "MAIL_PORT", "SMTP port")
    mail_username: str = _mail("", "MAIL_USERNAME", "SMTP user")
    mail_password: str = _mail("", "MAIL_PASSWORD", "SMTP password")
    mail_use_tls: bool = _mail(False, "MAIL_USE_TLS", "Start TLS after connecting")
    mail_use_ssl: bool = _mail(False, "MAIL_USE_SSL", "Connect with TLS")
    mail_default_sender: str = _mail("no-reply@your-studio.com", "MAIL_DEFAULT_SENDER", "Sender address")
    mail_check_deliverability: bool = _mail(
        False, "MAIL_CHECK_DELIVERABILITY", "Look up the domain of new e-mail addresses in DNS"
    )

    fs_backend: str = _storage("local", "FS_BACKEND", "Where binaries are kept", choices=("local", "s3"))
    preview_folder: str = _storage(
        "", "PREVIEW_FOLDER THUMBNAIL_FOLDER", "Folder of local storage; `previews` in the data folder unless set"
    )
    tmp_folder: str = _storage("", "TMP_DIR", "Folder for uploads under way; `tmp` in the data folder unless set")
    fs_bucket_prefix: str = _storage("", "FS_BUCKET_PREFIX", "Prefix of the buckets `pictures`, `movies` and `files`")
    fs_s3_region: str = _storage("", "FS_S3_REGION", "S3 region")
    fs_s3_endpoint: str = _storage("", "FS_S3_ENDPOINT", "S3 endpoint, for stores other than Amazon's")
    fs_s3_access_key: str = _storage("", "FS_S3_ACCESS_KEY", "S3 access key")
    fs_s3_secret_key: str = _storage("", "FS_S3_SECRET_KEY", "S3 secret key")
    fs_s3_create_bucket: bool = _storage(
        False, "FS_S3_CREATE_BUCKET", "Make the buckets when the first file is stored and they are not there"
    )
    fs_s3_encrypted: bool = _storage(
        False,
        "FS_S3_AES256_ENCRYPTED",
        "Must be false: objects that were encrypted by the server before are not read",
        unsupported=(True,),
    )
    remove_files: bool = _storage(False, "REMOVE_FILES", "Delete binaries with their rows instead of only marking them")
    trash_days: int = _storage(
        30,
        "PEGBAR_TRASH_DAYS",
        "Days that what was deleted can be restored, files too; 0 deletes at once",
        least=0,
        most=3650,
    )
    client_cache_max_age: int = _storage(
        604800, "CLIENT_CACHE_MAX_AGE", "Seconds browsers may keep pictures and movies"
    )
    max_image_pixels: int = _storage(
        2**27, "MAX_IMAGE_PIXELS", "Largest picture accepted, in pixels; the default is a 16K panorama", least=1
    )
    picture_processes: int = _storage(
        0,
        "PEGBAR_PICTURE_PROCESSES",
        "Pictures that an API worker makes at once, each in a process; 0 for one a processor, from 2 to 8",
        least=0,
        most=64,
    )
    uploads_per_person: int = _storage(
        100, "PEGBAR_UPLOADS_PER_PERSON", "Resumable uploads that one person may have unfinished or unused", least=1
    )
    upload_bytes_per_person: int = _storage(
        100 * 1024**3,
        "PEGBAR_UPLOAD_BYTES_PER_PERSON",
        "Bytes of the resumable uploads that one person may have unfinished or unused; 0 for no limit",
        least=0,
    )
    upload_expiry: int = _storage(
        48, "PEGBAR_UPLOAD_EXPIRY", "Hours that a resumable upload is kept without a new piece or a use", least=1
    )
    s3_redirect: bool = _storage(
        False,
        "PEGBAR_S3_REDIRECT",
        "Send clients to the object store, by a signed address, for pictures and movies shown in place",
    )
    missing_file_recheck_delay: int = _storage(
        3600,
        "PREVIEW_MISSING_FILE_RECHECK_DELAY",
        "Seconds that an object store is not asked again for a file it did not have; 0 asks each time",
        least=0,
    )
    media_max_concurrent_requests: int = _storage(
        0,
        "MEDIA_MAX_CONCURRENT_REQUESTS",
        "Pictures and movies that an API worker sends at once, others wait; 0 for no limit",
        least=0,
    )
    media_slot_wait_timeout: float = _storage(
        30.0, "MEDIA_SLOT_WAIT_TIMEOUT", "Seconds that they wait, then it is 503", least=0
    )
    ocio_config: str = _storage(
        "", "PEGBAR_OCIO_CONFIG OCIO", "OpenColorIO configuration, a file or ocio://…; the built-in ACES one unless set"
    )
    ocio_display: str = _storage(
        "", "PEGBAR_OCIO_DISPLAY", "Its display that EXR, HDR and film scans are shown for; its default unless set"
    )
    ocio_view: str = _storage("", "PEGBAR_OCIO_VIEW", "Its view of that display; the display's default unless set")
    ocio_linear_space: str = _storage(
        "", "PEGBAR_OCIO_LINEAR_SPACE", "Colour space of linear files that name none; its role scene_linear unless set"
    )
    ocio_log_space: str = _storage(
        "", "PEGBAR_OCIO_LOG_SPACE", "Colour space of logarithmic DPX and Cineon files; Cineon's film unless set"
    )
    enable_job_queue: bool = _storage(
        False, "ENABLE_JOB_QUEUE", "Make thumbnails and movies in jobs after the upload instead of before its answer"
    )
    job_queue_timeout: int = _storage(
        3600, "JOB_QUEUE_TIMEOUT", "Seconds that the making of a movie may take, then it is broken", least=10
    )
    build_kept_days: int = _storage(
        30,
        "PEGBAR_BUILD_KEPT_DAYS",
        "Days that the movies built of playlists are kept; 0 keeps them until somebody deletes them",
        least=0,
    )
    preview_save_source_file: bool = _storage(
        False, "PREVIEW_SAVE_SOURCE_FILE", "Keep uploaded movies beside the ones made from them"
    )
    skip_normalization_full: bool = _storage(
        False, "SKIP_NORMALIZATION_FULL", "Store movies as they are uploaded: nothing is encoded"
    )
    skip_normalization_highdef: bool = _storage(
        False, "SKIP_NORMALIZATION_HIGHDEF", "Make the low definition of movies only"
    )
    movie_highdef_bitrate: int = _storage(
        28, "MOVIE_HIGHDEF_BITRATE", "Mbit/s of high definition movies, at the most", least=1, most=1000
    )
    movie_lowdef_bitrate: int = _storage(
        6, "MOVIE_LOWDEF_BITRATE", "Mbit/s of low definition movies", least=1, most=1000
    )
    movie_encoding_preset: str = _storage(
        "medium",
        "MOVIE_ENCODING_PRESET",
        "Speed of the encoder x264 against the size of its movies",
        choices=(
            *("ultrafast", "superfast", "veryfast", "faster", "fast"),
            *("medium", "slow", "slower", "veryslow"),
        ),
    )
    movie_vbv_bufsize_factor: float = _storage(
        2.0,
        "MOVIE_VBV_BUFSIZE_FACTOR",
        "Seconds of bitrate over which an encoder keeps to it; 0 lets it go over it anywhere",
        least=0,
        most=100,
    )
    movie_crf: int = _storage(
        0,
        "PEGBAR_MOVIE_CRF",
        "Quality of encoded movies (18 is high, 23 fair) with the bitrate as its cap, which takes a third of the time and "
        "a quarter of the room; 0 for the bitrate alone",
        least=0,
        most=51,
    )
    movie_encoder: str = _storage(
        "libx264",
        "PEGBAR_MOVIE_ENCODER",
        "Encoder of movies; what a hardware encoder cannot do is done by libx264",
        choices=("libx264", "h264_nvenc", "h264_qsv", "h264_amf", "h264_videotoolbox"),
    )
    movie_processes: int = _storage(
        0,
        "PEGBAR_MOVIE_PROCESSES",
        "Movies that a job worker, and an API worker without job queue, makes at once; 0 for one every 4 processors",
        least=0,
        most=64,
    )
    ffmpeg: str = _storage(
        "",
        "PEGBAR_FFMPEG",
        "ffmpeg to use; the system's unless set, or the one that comes with Pegbar where there is none",
    )

    backup_to: str = _backup(
        "", "PEGBAR_BACKUP_TO", "Where backups go, a folder or s3://bucket/folder; the server makes none unless set"
    )
    backup_every: int = _backup(
        24, "PEGBAR_BACKUP_EVERY", "Hours between the backups that the server makes by itself; 0 for none", least=0
    )
    backup_keep: int = _backup(
        14, "PEGBAR_BACKUP_KEEP", "Backups that are kept when a new one is there; 0 keeps all", least=0
    )
    backup_log_every: int = _backup(
        0,
        "PEGBAR_BACKUP_LOG_EVERY",
        "Minutes that the copy in PEGBAR_BACKUP_TO of what the embedded database writes may be behind, so that it can be "
        "restored to any moment; 0 for no such copy",
        least=0,
        most=60,
    )
    backup_key_file: str = _backup(
        "", "PEGBAR_BACKUP_KEY_FILE", "File of the key that encrypts them; made by `pegbar backups key`"
    )
    backup_s3_endpoint: str = _backup("", "PEGBAR_BACKUP_S3_ENDPOINT", "Their S3 endpoint; FS_S3_ENDPOINT unless set")
    backup_s3_region: str = _backup("", "PEGBAR_BACKUP_S3_REGION", "Their S3 region; FS_S3_REGION unless set")
    backup_s3_access_key: str = _backup(
        "", "PEGBAR_BACKUP_S3_ACCESS_KEY", "Their S3 access key; FS_S3_ACCESS_KEY unless set"
    )
    backup_s3_secret_key: str = _backup(
        "", "PEGBAR_BACKUP_S3_SECRET_KEY", "Their S3 secret key; FS_S3_SECRET_KEY unless set"
    )

    ui_folder: str = _ui(
        "", "PEGBAR_UI", "Folder of a built Kitsu web UI to serve; what `pegbar ui install` installed unless set"
    )
    ui_releases: str = _ui(
        "https://api.github.com/repos/cgwire/kitsu/releases",
        "PEGBAR_UI_RELEASES",
        "Where `pegbar ui install` finds released builds: a list of releases as GitHub's API tells it",
    )
    is_self_hosted: bool = _ui(True, "IS_SELF_HOSTED", "Told to the web UI")
    crisp_token: str = _ui("", "CRISP_TOKEN", "Told to the web UI")
    sentry_kitsu_enabled: bool = _ui(False, "SENTRY_KITSU_ENABLED", "Give the web UI the Sentry settings below")
    sentry_kitsu_dsn: str = _ui("", "SENTRY_KITSU_DSN", "Sentry DSN of the web UI")
    sentry_kitsu_sr: float = _ui(0.1, "SENTRY_KITSU_SR", "Sentry sample rate of the web UI")
    default_file_tree: str = _ui(
        "default",
        "DEFAULT_FILE_TREE",
        "File tree of productions that come from ShotGrid",
        choices=("default", "simple"),
    )

    webhook_networks: list[str] = _webhooks(
        [],
        "PEGBAR_WEBHOOK_NETWORKS",
        "Networks of your own that webhooks may call (`10.1.0.0/16;127.0.0.1`); without, only the internet",
    )
    webhook_http: bool = _webhooks(False, "PEGBAR_WEBHOOK_HTTP", "Let webhooks call http addresses besides https")
    webhook_timeout: float = _webhooks(
        15.0, "PEGBAR_WEBHOOK_TIMEOUT", "Seconds that the receiver of a webhook may take to answer", least=1, most=60
    )
    webhook_pause_after: float = _webhooks(
        24.0, "PEGBAR_WEBHOOK_PAUSE_AFTER", "Hours of nothing but failures after which a webhook is paused", least=1
    )
    webhook_log_days: int = _webhooks(
        14, "PEGBAR_WEBHOOK_LOG_DAYS", "Days that the log of what webhooks delivered is kept", least=1, most=365
    )
    incoming_per_minute: int = _webhooks(
        60, "PEGBAR_INCOMING_PER_MINUTE", "Messages that an incoming hook takes within a minute, more are 429", least=1
    )

    @property
    def external_database(self) -> str:
        """The URL of the external PostgreSQL; empty when the embedded one serves."""
        if self.database_url or not self.db_host:
            return postgresql(self.database_url)
        from urllib.parse import quote

        user, password = quote(self.db_username, safe=""), quote(self.db_password, safe="")
        return f"postgresql://{user}:{password}@{self.db_host}:{self.db_port}/{self.db_database}"

    @property
    def storage_folder(self) -> Path:
        """Where local storage keeps its files: whole, since programs that read them work in other folders."""
        return (Path(self.preview_folder) if self.preview_folder else self.data_folder / "previews").absolute()

    @property
    def upload_folder(self) -> Path:
        """Where uploads wait until they are stored; whole, likewise."""
        return (Path(self.tmp_folder) if self.tmp_folder else self.data_folder / "tmp").absolute()

    @property
    def sign_on_path(self) -> Path:
        """The file of the providers of single sign-on."""
        return (Path(self.sign_on_file) if self.sign_on_file else self.data_folder / "sign-on.toml").absolute()

    @property
    def public_url(self) -> str:
        """The root of the web UI as people reach it."""
        return f"{self.domain_protocol}://{self.domain_name}"


def load(environment: Mapping[str, str]) -> Settings:
    """The settings an environment describes. Raises InvalidSetting naming the variable and its value."""
    return read(Settings, environment)


@cache
def settings() -> Settings:
    """The settings of this process, read from its environment once."""
    return load(os.environ)


_INTRODUCTION = """# Configuration

<!-- Generated by `pegbar config --markdown` from src/pegbar/config.py: change it there. -->

Pegbar runs without any configuration. What there is to set is set by environment variables, or for the most common by
options of `pegbar serve` (`pegbar serve --help`). `pegbar config` shows every setting with its value on your machine.

The names are those of Kitsu's server where they mean the same, so an installed studio can keep its environment file;
variables that Pegbar does not know are ignored. True is one of `true yes on y t 1`, false one of `false no off n f 0`, in
any case; anything else stops the start with a message. Lists are separated by `;` unless said otherwise.
"""


def documentation() -> str:
    """docs/configuration.md."""
    return page(_INTRODUCTION, described(Settings()))
