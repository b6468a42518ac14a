"""What the words of SQL mean: data for `core/sql/parse.py`, in one place so that a dialect is added by adding words.

Functions are an allow-list of those that only compute; a family of names that reaches outside the database, waits, or
steers the server is named by its beginning. What is in neither is judged by the verb in its name.
"""

from __future__ import annotations

import re
from typing import Final

from toolguard.core.model import EffectClass

READ, WRITE, DELETE, EXECUTE = (
    EffectClass.READ,
    EffectClass.WRITE,
    EffectClass.DELETE,
    EffectClass.EXECUTE,
)
GRANT, ADMINISTER, SEND = EffectClass.GRANT, EffectClass.ADMINISTER, EffectClass.SEND

STATEMENTS: Final[dict[str, EffectClass]] = {
    **dict.fromkeys(
        "select with values table show describe desc explain use help list ls from summarize".split(),
        READ,
    ),
    **dict.fromkeys(
        "begin start commit end rollback savepoint release abort set fetch close declare print".split(),
        READ,
    ),
    **dict.fromkeys(
        "insert replace upsert merge update create alter rename comment import refresh".split(),
        WRITE,
    ),
    **dict.fromkeys(
        "analyze vacuum reindex optimize cluster cache uncache undrop put".split(),
        WRITE,
    ),
    **dict.fromkeys("delete truncate drop purge rm remove discard".split(), DELETE),
    **dict.fromkeys("call exec execute do prepare load install bulk".split(), EXECUTE),
    **dict.fromkeys("grant revoke deny reassign".split(), GRANT),
    **dict.fromkeys(
        "kill shutdown flush reset attach detach backup restore checkpoint lock unlock".split(),
        ADMINISTER,
    ),
    **dict.fromkeys(
        "dbcc reconfigure waitfor security change stop system pragma".split(),
        ADMINISTER,
    ),
    **dict.fromkeys("copy unload export get notify listen unlisten".split(), SEND),
}
"""The first word of a statement and what it does, before a closer look."""

HIDDEN: Final = frozenset(
    "insert update delete merge truncate drop create alter grant revoke exec execute call copy shutdown kill".split()
)
"""Words that begin a statement of their own: T-SQL needs no semicolon between statements, CTEs hold writing ones."""

BEFORE_NAME: Final = frozenset(
    "select distinct all as by and or not on where having when then else case in like between is set using with from "
    "join update into table interval over values offset limit returning asc desc top".split()
)
"""After one of these (or a comma, a dot, an operator) such a word is the name of a column or table."""

HARMLESS_SETTINGS: Final = frozenset(
    "timezone time names character charset datestyle intervalstyle search_path schema statement_timeout lock_timeout "
    "max_execution_time application_name client_encoding work_mem nocount rowcount ansi_nulls quoted_identifier "
    "ansi_warnings language dateformat datefirst collation_connection transaction sql_mode group_concat_max_len "
    "extra_float_digits enable_seqscan idle_in_transaction_session_timeout memory_limit threads statistics "
    "arithabort xact_abort deadlock_priority textsize".split()
)
"""Settings of one's own session that change how results look or how long one waits, not what is allowed."""

READ_PRAGMAS: Final = frozenset(
    "table_info table_xinfo table_list index_list index_info index_xinfo foreign_key_list database_list "
    "foreign_key_check integrity_check quick_check compile_options function_list collation_list pragma_list "
    "module_list page_count page_size freelist_count user_version schema_version encoding version show_tables "
    "storage_info data_version application_id journal_mode foreign_keys".split()
)

CODE_OBJECTS: Final = frozenset(
    "function procedure proc trigger extension event language rule server subscription publication foreign "
    "aggregate operator assembly package job task pipe stream secret credential endpoint model connection "
    "stage integration link share datashare listener queue service application".split()
)
"""What CREATE and ALTER make of these runs later or opens a way out."""

ACCOUNT_OBJECTS: Final = frozenset("user role login group policy profile masking".split())

SMALL_OBJECTS: Final = frozenset("index view temp temporary sequence synonym statistics type domain".split())
"""Dropping one loses no rows."""

CATALOG_CREDENTIALS: Final = frozenset(
    "pg_shadow pg_authid pg_user_mapping pg_user_mappings mysql.user sys.sql_logins sql_logins syslogins sysxlogins "
    "dba_users sys.user$ user$ master..syslogins pg_hba_file_rules mysql.global_priv dba_db_links all_db_links".split()
)
"""System tables that hold password hashes or connection secrets."""

CREDENTIAL_WORDS: Final = frozenset(
    "password passwd passwords pwd passphrase secret secrets credential credentials apikey apikeys token tokens "
    "privatekey cvv cvc ssn pin otp mfa totp".split()
)
"""A word of a column or table name that names what nobody should read out."""

CREDENTIAL_PAIRS: Final = frozenset(
    {
        ("api", "key"), ("api", "keys"), ("private", "key"), ("secret", "key"), ("access", "key"), ("card", "number"),
        ("social", "security"), ("pass", "hash"), ("encryption", "key"), ("signing", "key"), ("ssh", "key"),
        ("recovery", "code"), ("security", "answer"), ("credit", "card"), ("user", "pass"), ("login", "pass"),
        ("admin", "pass"), ("db", "pass"), ("authentication", "string"), ("pass", "salt"), ("auth", "hash"),
    }
)  # fmt: skip

POWER_COLUMNS: Final = frozenset(
    "role roles is_admin isadmin admin is_superuser is_staff superuser privileges privilege permission permissions "
    "access_level user_type account_type usertype user_role group_name role_id role_name is_owner is_root".split()
)
"""Columns by which applications know what a user may do."""

POWER_VALUES: Final = frozenset("admin administrator superuser superadmin root owner sysadmin true 1 all".split())

USER_TABLE: Final = re.compile(r"(?:.*_)?(?:users?|accounts?|members?|staff|employees|people|logins?)")
"""Tables by which applications know their users."""

READ_PROCEDURES: Final = frozenset(
    "sp_help sp_helptext sp_helpindex sp_helpconstraint sp_helpdb sp_helpfile sp_helpfilegroup sp_helprole "
    "sp_helpstats sp_helprolemember sp_helpsrvrole sp_helpsrvrolemember sp_helpuser sp_helplogins sp_helptrigger "
    "sp_helpserver sp_helpsort sp_helplanguage sp_helprotect sp_helpntgroup "
    "sp_columns sp_tables sp_pkeys sp_fkeys sp_statistics "
    "sp_stored_procedures sp_sproc_columns sp_databases sp_spaceused sp_who sp_who2 sp_lock sp_depends sp_server_info "
    "sp_describe_first_result_set sp_special_columns sp_table_privileges sp_column_privileges sp_datatype_info "
    "sp_monitor sp_linkedservers".split()
)
"""Procedures of SQL Server that only tell: their arguments name objects and run nothing."""

FAMILIES: Final[tuple[tuple[str, str], ...]] = (
    # Files of the database's host.
    ("pg_read_", "file-access"), ("pg_ls_", "file-access"), ("pg_stat_file", "file-access"),
    ("pg_file_", "file-access"),
    ("lo_import", "file-access"), ("lo_export", "file-access"), ("lo_", "file-access"), ("load_file", "file-access"),
    ("writefile", "file-access"), ("readfile", "file-access"), ("edit", "file-access"), ("fsdir", "file-access"),
    ("utl_file", "file-access"), ("bfilename", "file-access"), ("dbms_lob.fileopen", "file-access"),
    ("dbms_lob.loadfromfile", "file-access"), ("openrowset", "file-access"), ("xp_fileexist", "file-access"),
    ("xp_dirtree", "file-access"), ("xp_subdirs", "file-access"), ("read_text", "file-access"),
    ("read_blob", "file-access"), ("sniff_csv", "file-access"), ("glob_file", "file-access"), ("file", "file-access"),
    ("loadextension", "command"), ("load_extension", "command"), ("fts3_tokenizer", "command"),
    # Commands and code.
    ("xp_", "command"), ("sp_oa", "command"), ("sp_execute", "command"), ("sp_configure", "settings"),
    ("sp_add", "command"), ("sp_", "command"), ("sys_exec", "command"), ("sys_eval", "command"), ("sys_set", "command"),
    ("dbms_scheduler", "command"), ("dbms_java", "command"), ("dbms_xslprocessor", "command"), ("dbms_sql", "command"),
    ("dbms_export_extension", "command"), ("system$", "command"), ("executable", "command"), ("cmdshell", "command"),
    ("query_to_xml", "command"), ("database_to_xml", "command"), ("table_to_xml", "command"),
    ("cursor_to_xml", "command"),
    ("ts_stat", "command"), ("ts_rewrite", "command"), ("crosstab", "command"), ("connectby", "command"),
    ("eval", "command"), ("java_call", "command"), ("dbms_", "command"), ("owa_", "command"), ("ctxsys.", "command"),
    # Ways out of the database.
    ("dblink", "network"), ("utl_http", "network"), ("utl_tcp", "network"), ("utl_smtp", "network"),
    ("utl_inaddr", "network"), ("utl_mail", "network"), ("httpuritype", "network"), ("dbms_ldap", "network"),
    ("http_get", "network"), ("http_post", "network"), ("http_", "network"), ("http", "network"), ("url", "network"),
    ("openquery", "network"), ("opendatasource", "network"), ("remote", "network"), ("cluster", "network"),
    ("s3", "network"), ("gcs", "network"), ("hdfs", "network"), ("azureblobstorage", "network"), ("mysql", "network"),
    ("postgresql", "network"), ("postgres_scan", "network"), ("mysql_scan", "network"), ("sqlite_scan", "network"),
    ("postgres_query", "network"), ("mysql_query", "network"), ("aws_", "network"), ("net.http", "network"),
    ("aws_s3.", "network"), ("aws_lambda.", "network"), ("external_query", "network"), ("jdbc", "network"),
    ("odbc", "network"), ("mongodb", "network"), ("redis", "network"), ("ml.", "network"), ("ai.", "network"),
    ("xmltype.createxml", "network"), ("extractvalue_uri", "network"),
    # Waiting and locking.
    ("pg_sleep", "wait"), ("sleep", "wait"), ("benchmark", "wait"), ("dbms_lock", "wait"), ("dbms_pipe", "wait"),
    ("dbms_session.sleep", "wait"), ("get_lock", "wait"), ("randomblob", "wait"), ("zeroblob", "wait"),
    ("sleepeachrow", "wait"), ("pg_advisory", "lock"), ("pg_try_advisory", "lock"), ("release_lock", "lock"),
    ("release_all_locks", "lock"), ("is_used_lock", "lock"),
    # The server and its settings.
    ("pg_terminate", "server"), ("pg_cancel", "server"), ("pg_reload", "server"), ("pg_rotate", "server"),
    ("pg_notify", "server"), ("pg_switch", "server"), ("pg_create_", "server"), ("pg_drop_", "server"),
    ("pg_promote", "server"), ("pg_wal_replay", "server"), ("pg_start_backup", "server"), ("pg_stop_backup", "server"),
    ("pg_backup", "server"), ("pg_logical", "server"), ("pg_replication", "server"), ("pg_import", "server"),
    ("pg_stat_reset", "server"), ("pg_copy", "server"), ("pg_export", "server"), ("pg_log_", "server"),
    ("pg_extension_config_dump", "server"), ("pg_nextoid", "server"), ("pg_prewarm", "server"),
    ("set_config", "settings"), ("set_bit_setting", "settings"), ("setval", "settings"), ("txid_", "server"),
    ("kill", "server"), ("master_pos_wait", "wait"), ("source_pos_wait", "wait"), ("sys.", "server"),
    ("binary_upgrade", "server"), ("cron.", "command"), ("pgagent.", "command"), ("vault.", "credentials"),
)  # fmt: skip
"""Beginnings of function names and what is wrong with them; the longest that fits counts, after the allow-list."""

READ_FAMILIES: Final = (
    "st_", "json_", "jsonb_", "xml", "array_", "regexp_", "regexp", "date_", "time_", "timestamp_", "datetime_", "to_",
    "has_", "inet_", "list_", "map_", "approx_", "percentile_", "string_", "str_", "bit_", "is_", "isnull",
    "ts_headline",
    "ts_rank", "pg_get_", "pg_typeof", "pg_size", "pg_relation_", "pg_total_relation", "pg_table", "pg_database_size",
    "pg_indexes_size", "pg_column_", "pg_postmaster", "pg_conf_load", "pg_current_", "pg_last_", "pg_is_", "pg_has_",
    "pg_blocking", "pg_backend", "pg_encoding", "pg_describe", "pg_identify", "pg_collation", "pg_options",
    "pg_my_temp",
    "pg_safe_", "pg_trigger_depth", "pg_tablespace", "pg_jit", "pg_listening", "obj_description", "col_description",
    "shobj_description", "width_bucket", "hll_", "safe_", "try_", "parse_", "make_", "similarity", "word_similarity",
    "levenshtein", "arrayjoin", "arraymap", "todate", "tostart", "toint", "tofloat", "tostring", "touint", "count",
    "sum", "avg", "min", "max", "uniq", "quantile", "group_", "any_", "bool_", "range_", "extract", "convert", "cast",
    "generate_", "row_", "var_", "stddev", "regr_", "covar_", "corr", "ceil", "round", "log", "rand", "sha",
    "md5", "hash",
    "base64", "unhex", "hex", "encode", "decode", "url_encode", "url_decode", "current_", "session_", "inet6_",
    "tsrange",
    "tstzrange", "daterange", "numrange", "int4range", "int8range", "jsonextract", "simplejson", "visitparam", "struct",
    "object_", "col_length", "col_name", "type_", "db_", "schema_", "serverproperty", "databasepropertyex", "format",
    "split", "substr", "trim", "ltrim", "rtrim", "left", "right", "lpad", "rpad", "concat", "soundex", "pragma_",
    "information_schema", "fulltext", "match", "bm25", "highlight", "snippet", "vector_", "cosine", "l2_",
    "inner_product",
)  # fmt: skip
"""Beginnings of the names of functions that only compute or describe."""

PURE: Final = frozenset(
    """sys_connect_by_path sys_guid sys_typeid system$typeof system$clustering_information system$clustering_depth
    top txid_current txid_current_if_assigned
    sys.dm_exec_sql_text sys.dm_exec_query_plan sys.dm_db_index_physical_stats sys.dm_io_virtual_file_stats
    sys.dm_db_stats_properties
    dbms_metadata.get_ddl dbms_xplan.display dbms_xplan.display_cursor dbms_lob.substr dbms_lob.getlength ora_hash
    add_days append all_match none_match any_match arrays_overlap at_timezone bitand bitor bitxor bitnot booland_agg
    boolor_agg booland boolor byte_length checksum checksum_agg binary_checksum code_points_to_string to_code_points
    collect_list collect_set conditional_change_event conditional_true_event contains_substr datediff_big datefromparts
    datetimefromparts datetime2fromparts timefromparts day_of_week day_of_month day_of_year div0 div0null editdistance
    explode_outer posexplode_outer farm_fingerprint from_iso8601_timestamp from_iso8601_date from_json from_hex
    from_utc_timestamp get_json_object get_path get haversine histogram jarowinkler_similarity kurtosis lax_string
    lax_bool lax_int64 lax_float64 makedate maketime percentile rlike skewness skew strip_null_value strptime strtok
    strtok_to_array strtol switch url_extract_host url_extract_path uuid_string week_iso weekiso window year_of_week
    yow week_of_year websearch_to_tsquery phraseto_tsquery epoch epoch_ms epoch_us epoch_ns earth_distance ll_to_earth
    earth_box h3_latlng_to_cell h3_cell_to_parent geohash embedding arrayfilter arraysum arrayavg arraycount arrayexists
    arrayall arraysort arrayreverse arrayfirst arraydistinct arrayuniq arrayconcat arrayelement arrayslice bitmapcount
    bitmapcardinality cityhash64 siphash64 xxhash64 murmurhash3_64 farmhash64 dictget dictgetordefault dicthas
    grouparray groupuniqarray grouparrayarray intdiv intdivorzero laginframe leadinframe neighbor
    parsedatetimebesteffort parsedatetime positioncaseinsensitive runningdifference runningaccumulate tomonday toyyyymm
    toyyyymmdd toyear tomonth toweek todayofmonth todayofweek tohour tominute tosecond tounixtimestamp toyearweek
    tolastdayofmonth todecimal64 tojsonstring totypename tolowcardinality topk tupleelement windowfunnel retention
    sequencematch sequencecount splitbychar splitbystring splitbyregexp extractall multisearchany lowerutf8 upperutf8
    lengthutf8 bitshiftleft bitshiftright assumenotnull tonullable ifnull coalesce sumif countif avgif minif maxif
    uniqif anyif anylast anyheavy summap avgweighted quantiles quantileexact quantiletdigest mediantdigest deltasum
    log10 log2 log1p substring_index ratio_to_report format_date format_datetime format_timestamp format_number
    format_bytes format_time conv bin oct charset collation coercibility weight_string inet_aton inet_ntoa
    json json_object jsonb_path_query period_add period_diff timestamp_micros unix_date unix_seconds unix_millis
    net_host net_reg_domain keys_sample ntile_approx ml_distance ed_distance geo_distance
    abs acos acosd acosh add_months addtime adddate age ascii asin asinh atan atan2 atanh avg btrim cbrt ceiling
    char char_length character_length charindex choose chr clock_timestamp coalesce collate connection_id cos cosh cot
    count crc32 cume_dist curdate curtime cardinality database date dateadd datediff datename datepart datepart day
    dayname dayofmonth dayofweek dayofyear days decimal degrees dense_rank difference div elt enum_first enum_last
    enum_range eomonth exp export_set every explode factorial field find_in_set first first_value firstvalue floor
    foreach found_rows from_base64 from_days from_unixtime gcd getdate getutcdate glob greatest grouping hour host hypot
    if ifnull iff iif in initcap instr int integer interval isdate isfinite isjson isnumeric json jsonb julianday
    justify_days justify_hours justify_interval lag last last_day last_insert_id last_value lastvalue lateral lcase lcm
    lead least len length like likelihood likely ln locate localtime localtimestamp lower ltree masklen md5 mean median
    microsecond mid minute mod mode modulo month monthname months_between multiset name_const netmask network newid
    next_day now nth_value ntile nullif numeric nvl nvl2 octet_length ord overlay parsename patindex percent_rank period
    pi point pos_tagger position pow power printf product quarter quote quote_ident quote_literal quote_nullable
    quotename radians random rank real regr_slope repeat replace replicate reverse rownum rows schema scale second
    sec_to_time setweight sign sin sinh space sqlite_version sqrt square starts_with startswith endswith
    ends_with contains statement_timestamp stdev stdevp strcmp strftime strpos stuff subdate subtime switchoffset
    sysdate sysdatetime sysdatetimeoffset system_user systimestamp sysutcdatetime tan tanh time timediff timeofday
    timestamp timestampadd timestampdiff timezone to_tsquery to_tsvector plainto_tsquery total total_changes
    transaction_timestamp translate treat trunc truncate typeof ucase unaccent unicode uncompress uncompressed_length
    unistr unix_timestamp unixepoch unlikely unnest unpivot pivot upper user utc_date utc_time utc_timestamp uuid
        uuid_short
    gen_random_uuid uuid_generate_v4 values var varchar text nvarchar bigint smallint tinyint float double boolean bool
    variance varp version week weekday weekofyear year yearweek zip zipf argmax argmin arg_max arg_min listagg over
    partition filter within using as on from where and or not between exists any all some row select union except
    intersect array table tablesample sample distinct flatten lateral_flatten cube rollup sets grouping_id with_bucket
    date_trunc datetime ifnull isnull equal_null zeroifnull nullifzero decode tochar numtodsinterval numtoyminterval
    sys_extract_utc sys_context userenv empty notempty has tuple dateformat formatdatetime now64 today yesterday multiif
    bar iso_week monotonically_increasing_id posexplode inline stack size sequence shuffle slice sort_array transform
    aggregate reduce zip_with element_at nanvl rint signum shiftleft shiftright unbase64 uniform normal seq4 rowcount
    json_table xmltable opengjson openjson string_split ident_current scope_identity key_column_usage by then else when
    case order having limit set default join inner outer cross natural apply union_all like_regex returning key_value
    is insert conflict distinct_on asof anti semi straight_join add column columns change modify to for begin end
        only into do
    primary key unique check references foreign constraint index current_setting
    pg_table_is_visible format_type obj_id inet_aton inet_ntoa subdate tsquery tsvector tsmatch query phrase read_csv
    read_csv_auto read_parquet read_json read_json_auto parquet_scan parquet_metadata parquet_schema read_xlsx
        iceberg_scan
    delta_scan sequence_nextval nextval currval lastval""".split()
)
"""Functions that only compute, and words that stand before a parenthesis without being functions."""

COMPUTES: Final = PURE | {family for family in READ_FAMILIES if not family.endswith("_")}
"""Every whole name that only computes."""

FILE_READERS: Final = frozenset(
    "read_csv read_csv_auto read_parquet read_json read_json_auto parquet_scan parquet_metadata parquet_schema "
    "read_xlsx "
    "iceberg_scan delta_scan".split()
)
"""What DuckDB is for: harmless on a file beside the database, else as any other file access."""
