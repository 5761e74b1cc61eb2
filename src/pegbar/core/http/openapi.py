"""The OpenAPI 3.1 document, made from the declarations of routes and resources."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnClause,
    ColumnElement,
    Date,
    Enum,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    String,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.types import TypeEngine

from pegbar import __version__
from pegbar.core.data.changes import Relation
from pegbar.core.data.resource import Resource
from pegbar.core.data.schema import Column, choices_of
from pegbar.core.data.wire import Wire
from pegbar.core.errors import BadRequest
from pegbar.core.http.idempotency import HEADER, LONGEST
from pegbar.core.http.pagination import enveloped
from pegbar.core.http.routing import Operation
from pegbar.core.http.routing import operations as declared_operations

Schema = dict[str, Any]

_PARAMETER = re.compile(r"\{(\w+):(\w+)\}")
_UUID: Schema = {"type": "string", "format": "uuid"}
_TIMESTAMP: Schema = {
    "type": "string",
    "description": "UTC, as YYYY-MM-DDTHH:MM:SS",
    "examples": ["2026-01-31T16:30:00"],
}
_ANYTHING: Schema = {"description": "Any JSON value"}
_PATH_TYPES: Mapping[str, Schema] = {
    "uuid": _UUID,
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "date": {"type": "string", "format": "date"},
}
_REASONS = {
    400: "A parameter or a value of the body is refused: the message names it and says why.",
    401: "No token, or one that is expired or revoked.",
    403: "The caller may not do this.",
    404: "There is no such object.",
    405: "The route does not take the method.",
    408: "No more bytes came: go on where the upload stands.",
    409: "The object is in a state that does not allow this, or a request with the Idempotency-Key is under way.",
    410: "What is asked for was there and is gone.",
    412: "Another version of the protocol.",
    413: "The body is larger than the server takes.",
    415: "The body is not JSON.",
    416: "The file has no such range of bytes.",
    422: "The token cannot be used, or the Idempotency-Key was used for another request.",
    423: "Another request writes to it.",
    429: "Too many attempts or requests: wait as long as `Retry-After` says, then try again.",
    460: "The bytes are not those of the checksum.",
    503: "Something the server stands on is busy or away: nothing was changed, send it again.",
    507: "No room is left on the disk.",
}

_INTRODUCTION = """The Kitsu API, as Pegbar serves it. Paths answer at the root of the server and under `/api`.

**Signing in.** `POST /auth/login` answers an `access_token`: send it as `Authorization: Bearer …`. It also sets
cookies, which browsers send by themselves. Bots have a token from birth.

**Errors** are JSON with `error`, `message` and `data`: the last is null, or has the `errors` of each `field`.

**Lists** take any column of the table as a filter, `page` and `limit` for pages, `fields` to choose keys and
`relations=true` for the ids of related rows."""


def document(operations: Sequence[Operation]) -> Schema:
    """The OpenAPI document of these routes."""
    shown = [operation for operation in operations if not operation.hidden]
    structs = _Structs(shown)
    paths: dict[str, Any] = {}
    for operation in sorted(shown, key=lambda operation: (operation.path, operation.method)):
        path = _PARAMETER.sub(r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, structs)
    returned = [returned_of(operation) for operation in shown]
    resources = {shape.type: shape for shape in returned if isinstance(shape, Resource)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Pegbar", "version": __version__, "description": _INTRODUCTION},
        "servers": [{"url": "/api"}],
        "security": [{"token": []}, {"cookie": []}],
        "tags": [{"name": name} for name in sorted({tag_of(operation) for operation in shown})],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "access_token_cookie"},
            },
            "parameters": {**_LIST_PARAMETERS, "idempotency_key": _IDEMPOTENCY_KEY},
            "responses": {str(status): _error_response(status, text) for status, text in _REASONS.items()},
            "schemas": {
                **_ERROR_SCHEMAS,
                **structs.components,
                **{name: _row_schema(resource) for name, resource in sorted(resources.items())},
            },
        },
    }


# Errors

_ERROR_SCHEMAS: dict[str, Schema] = {
    "Error": {
        "type": "object",
        "required": ["error", "message", "data"],
        "properties": {
            "error": {
                "anyOf": [{"type": "boolean", "const": True}, {"type": "string"}],
                "description": "The message once more where clients look for it here",
            },
            "message": {"type": "string"},
            "data": {
                "type": ["object", "null"],
                "description": "What the error is about: of a body that does not fit, one entry for each field",
                "properties": {"errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}}},
            },
        },
    },
    "FieldError": {
        "type": "object",
        "required": ["field", "message"],
        "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
    },
    "TokenError": {
        "allOf": [
            {"$ref": "#/components/schemas/Error"},
            {"type": "object", "required": ["msg"], "properties": {"msg": {"type": "string"}}},
        ]
    },
}


def _error_response(status: int, text: str) -> Schema:
    error: Schema = {"$ref": "#/components/schemas/Error"}
    if status in (401, 422):
        error = {"anyOf": [error, {"$ref": "#/components/schemas/TokenError"}]}
    return {"description": text, "content": {"application/json": {"schema": error}}}


def _error_statuses(operation: Operation) -> Iterator[int]:
    yield from operation.errors
    if operation.files:
        yield from (400, 404, 409, 413)
    if not operation.access.public:
        yield from (401, 403, 422, 429)
    if operation.access.place.parameter or "{" in operation.path:
        yield 404
    if "{" in operation.path or operation.body or operation.query or "document" in operation.parameters:
        yield 400
    if isinstance(returned_of(operation), Resource):
        yield 400
    if operation.method in ("POST", "PUT"):
        yield 413
    if takes_key(operation):
        yield from (400, 409, 413, 422)
    if "document" in operation.parameters:
        yield 415


# Operations


def tag_of(operation: Operation) -> str:
    """The group of a route in the documentation."""
    words = operation.tag.replace("_", " ").replace("-", " ")
    return words[:1].upper() + words[1:]


def _operation(operation: Operation, structs: "_Structs") -> Schema:
    access = operation.access.text
    described = [operation.description, f"**Access:** {access}."]
    events = sorted({event.name for event in operation.events})
    if events:
        described.append(f"**Events:** {', '.join(f'`{name}`' for name in events)}.")
    schema: Schema = {
        "operationId": operation_id(operation),
        "summary": operation.summary,
        "description": "\n\n".join(part for part in described if part),
        "tags": [tag_of(operation)],
        "x-access": access,
        "x-events": events,
        "parameters": [
            *_path_parameters(operation),
            *_query_parameters(operation, structs),
            *(_listed("idempotency_key") if takes_key(operation) else ()),
        ],
        "responses": _responses(operation, structs),
    }
    if operation.access.public:
        schema["security"] = []
    if operation.deprecated:
        schema["deprecated"] = True
    if (body := _request_body(operation, structs)) is not None:
        schema["requestBody"] = body
    return {key: value for key, value in schema.items() if value not in ([], "") or key in ("security", "x-events")}


def operation_id(operation: Operation) -> str:
    """The name of an operation: its method and path, as one word."""
    # An underscore of a path is told from its other signs: some paths have an old name that differs by that.
    literal = re.sub(r"_(?![^{]*})", "__", operation.path)
    words = re.sub(r"\W+", "_", _PARAMETER.sub(r"by_\1", literal)).strip("_")
    return f"{operation.method.lower()}_{words or 'root'}"


@lru_cache(1)
def _by_id() -> Mapping[str, Operation]:
    return {operation_id(operation): operation for operation in declared_operations if not operation.hidden}


def path_of(name: str, params: Mapping[str, str | int]) -> tuple[str, str]:
    """The method of an operation that its name in this document tells, and its path with these parameters.

    Raises BadRequest for a name that is none, and for parameters that are not those of its path.
    """
    operation = _by_id().get(name)
    if operation is None:
        raise BadRequest(f"operation: {name} is none of /openapi.json.")
    names = [parameter for parameter, _ in _PARAMETER.findall(operation.path)]
    if params.keys() != set(names):
        raise BadRequest(f"params: {name} takes {', '.join(names) or 'none'}.")
    return operation.method, _PARAMETER.sub(lambda found: quote(str(params[found[1]]), safe="$"), operation.path)


def _path_parameters(operation: Operation) -> list[Schema]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _path_schema(name, kind)}
        for name, kind in _PARAMETER.findall(operation.path)
    ]


def _path_schema(name: str, kind: str) -> Schema:
    if kind == "str" and name.endswith("_id"):
        return _UUID
    return dict(_PATH_TYPES.get(kind, {"type": "string"}))


_LIST_PARAMETERS: dict[str, Schema] = {
    "page": {
        "name": "page",
        "in": "query",
        "schema": {"type": "integer", "minimum": 0},
        "description": "Answer this page, from 1, in an envelope `{data, total, nb_pages, limit, offset, page}`",
    },
    "limit": {
        "name": "limit",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1},
        "description": "Rows of a page",
    },
    "fields": {
        "name": "fields",
        "in": "query",
        "schema": {"type": "string"},
        "description": "Keys to answer, separated by commas; `id` and `type` always come",
    },
    "relations": {
        "name": "relations",
        "in": "query",
        "schema": {"type": "boolean"},
        "description": "Whether the ids of related rows are answered too",
    },
    "force": {
        "name": "force",
        "in": "query",
        "schema": {"type": "boolean"},
        "description": "Delete what depends on the row too, where the model allows it",
    },
}


_UPLOAD_ID: Schema = {
    "name": "upload_id",
    "in": "query",
    "schema": {"type": "array", "items": _UUID},
    "description": (
        "Uploads that came before (`/uploads`), in place of the files of a form; also a field of the form or a key of"
        " the JSON body. The first is the file of the field `file`; `upload_id[name]` is that of another field"
    ),
}


_IDEMPOTENCY_KEY: Schema = {
    "name": HEADER,
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST},
    "description": "What is sent again with the same key within a day is done once, and answered as it was",
}


def takes_key(operation: Operation) -> bool:
    """Whether a route takes an Idempotency-Key."""
    return operation.mutates and not operation.takes_no_key


def _listed(*names: str) -> list[Schema]:
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def _query_parameters(operation: Operation, structs: "_Structs") -> list[Schema]:
    parameters = structs.query_parameters(operation.query) if operation.query is not None else []
    if operation.files:
        parameters = [*parameters, _UPLOAD_ID]
    match _generic(operation):
        case "list":
            parameters += _listed("page", "limit", "fields", "relations") + _filters(operation.returns)
        case "read":
            parameters += _listed("relations")
        case "delete":
            parameters += _listed("force")
    by_name: dict[str, Schema] = {}
    for parameter in parameters:
        by_name.setdefault(parameter.get("name") or parameter["$ref"], parameter)
    return list(by_name.values())


def _generic(operation: Operation) -> str | None:
    """Which of the five generic routes of a resource this is."""
    resource = operation.returns
    if not isinstance(resource, Resource):
        return None
    if operation.path == resource.path:
        return {"GET": "list", "POST": "create"}.get(operation.method)
    if _PARAMETER.sub("", operation.path) == f"{resource.path}/":
        return {"GET": "read", "PUT": "update", "DELETE": "delete"}.get(operation.method)
    return None


def _filters(resource: Resource) -> list[Schema]:
    parameters = []
    for name, column in resource.columns.items():
        if isinstance(column.type, JSONB | ARRAY | LargeBinary) or name in _LIST_PARAMETERS:
            continue
        schema = {key: value for key, value in _type_schema(column).items() if key != "maxLength"}
        if name == "name":
            schema = {"type": "string", "description": "Any case; `%` stands for any text"}
        parameters.append({"name": str(name), "in": "query", "schema": schema})
    parameters += [{"name": relation.key, "in": "query", "schema": _UUID} for relation in resource.relations]
    return parameters + [{"name": name, "in": "query", "schema": {"type": "string"}} for name in resource.specials]


def _request_body(operation: Operation, structs: "_Structs") -> Schema | None:
    if operation.body_schema is not None:
        schema: Any = operation.body_schema
        if "content" in schema:
            return dict(schema)
    elif operation.body is not None:
        schema = structs.reference(operation.body)
    elif isinstance(operation.returns, Resource) and _generic(operation) in ("create", "update"):
        schema = _written_schema(operation.returns, creating=_generic(operation) == "create")
    elif "document" in operation.parameters:
        schema = {"type": "object"}
    else:
        return None
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _responses(operation: Operation, structs: "_Structs") -> Schema:
    responses: Schema = {}
    answers = operation.method != "DELETE" or not isinstance(operation.returns, Resource | None)
    if not answers or operation.status == 204:
        responses["204"] = {"description": "Done"}
    else:
        content = {"application/json": {"schema": _answer_schema(operation, structs)}}
        responses[str(operation.status)] = {"description": "Done", "content": content}
    for status in sorted(set(_error_statuses(operation))):
        responses[str(status)] = {"$ref": f"#/components/responses/{status}"}
    return responses


def returned_of(operation: Operation) -> Any:
    """What a route answers, or what the array that it answers is made of."""
    return operation.returns[0] if isinstance(operation.returns, list) else operation.returns


def _answer_schema(operation: Operation, structs: "_Structs") -> Schema:
    schema = _returned_schema(returned_of(operation), structs)
    if isinstance(operation.returns, list):
        return {"type": "array", "items": schema}
    if _generic(operation) == "list":
        return {
            "anyOf": [
                {"type": "array", "items": schema},
                enveloped(schema) | {"description": "When a page was asked for"},
            ]
        }
    return schema


def _returned_schema(returned: Any, structs: "_Structs") -> Schema:
    if isinstance(returned, Resource):
        return {"$ref": f"#/components/schemas/{returned.type}"}
    if isinstance(returned, Wire):
        properties = {str(key): _value_schema(value) for key, value in returned.items()}
        return {"type": "object", "properties": properties, "required": list(properties)}
    if isinstance(returned, Mapping):
        return {name: _described(part, structs) for name, part in returned.items()}
    return dict(_ANYTHING) if returned is None else structs.reference(returned)


def _described(part: Any, structs: "_Structs") -> Any:
    """A part of a declared schema; what it holds of resources and wires is described in its place."""
    if isinstance(part, Resource | Mapping):
        return _returned_schema(part, structs)
    return [_described(item, structs) for item in part] if isinstance(part, list) else part


# Rows


def _row_schema(resource: Resource) -> Schema:
    """A row as it is answered."""
    assert resource.wire is not None
    properties = {str(key): _value_schema(value) for key, value in resource.wire.items()}
    for relation in resource.relations:
        properties.setdefault(relation.key, {"type": "array", "items": _UUID})
    if "type" in resource.wire:
        properties["type"] = {"type": "string", "const": resource.type}
    return {"type": "object", "properties": properties, "required": _always(resource.wire)}


def _always(wire: Wire) -> list[str]:
    return [key for key in ("id", "type") if key in wire]


def _value_schema(value: ColumnElement[Any]) -> Schema:
    if isinstance(value, ColumnClause) and value.is_literal and value.name.startswith("'\""):
        return {"type": "string", "const": str(value.name).strip("'\"")}
    if not isinstance(value, Column):
        return _nullable(_of_type(value.type))
    schema = _type_schema(value)
    return _nullable(schema) if value.nullable else schema


def _nullable(schema: Schema) -> Schema:
    nullable = dict(schema)
    if isinstance(nullable.get("type"), str):
        nullable["type"] = [nullable["type"], "null"]
    if "enum" in nullable:
        nullable["enum"] = [*nullable["enum"], None]
    return nullable


def _type_schema(column: Column[Any]) -> Schema:
    choices = choices_of(column)
    if choices is not None:
        of_choices: Schema = {"type": "string", "enum": list(choices)}
        return {"type": "array", "items": of_choices} if isinstance(column.type, ARRAY) else of_choices
    return _of_type(column.type)


@lru_cache(512)
def _of_type(kind: TypeEngine[Any]) -> Schema:
    simple: tuple[tuple[Any, Schema], ...] = (
        (Uuid, _UUID),
        (TIMESTAMP, _TIMESTAMP),
        (Date, {"type": "string", "format": "date"}),
        (Boolean, {"type": "boolean"}),
        (BigInteger, {"type": "integer"}),
        (Integer, {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}),
        (Float | Numeric, {"type": "number"}),
    )
    if isinstance(kind, Enum):
        return {"type": "string", "enum": list(kind.enums)}
    if isinstance(kind, ARRAY):
        return {"type": "array", "items": _of_type(kind.item_type)}
    if isinstance(kind, String):
        return {"type": "string", **({"maxLength": kind.length} if kind.length else {})}
    return next((schema for known, schema in simple if isinstance(kind, known)), dict(_ANYTHING))


def _written_schema(resource: Resource, *, creating: bool) -> Schema:
    """The body of a generic create or update."""
    taken = resource.writes.create if creating else resource.writes.update
    properties: dict[str, Schema] = {}
    required = []
    for name, column in resource.columns.items():
        if name not in taken:
            continue
        schema = _type_schema(column)
        properties[str(name)] = _nullable(schema) if column.nullable else schema
        if creating and not column.nullable and column.default is None and column.server_default is None:
            required.append(str(name))
    for relation in resource.relations:
        if relation.key in taken:
            properties[relation.key] = _ids_schema(relation)
    for name in sorted(resource.writes.further) if creating else ():
        properties.setdefault(name, {})
    for name, schema in properties.items() if not creating else ():
        if (who := resource.writes.whom(name)) is not None:
            properties[name] = {**schema, "description": f"{schema.get('description', 'Changed')} only by {who.text}."}
    schema = {"type": "object", "properties": properties}
    return {**schema, "required": required} if required else schema


def _ids_schema(relation: Relation) -> Schema:
    return {"type": "array", "items": _UUID, "description": f"Ids of rows of {relation.target.name}"}


# Structs of bodies, query strings and answers


class _Structs:
    """The JSON schemas of the Structs that routes declare."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        kinds: list[Any] = []
        for operation in operations:
            kinds += [kind for kind in (operation.body, operation.query) if kind is not None]
            returned = returned_of(operation)
            if returned is not None and not isinstance(returned, Resource | Mapping):
                kinds.append(returned)
        self._kinds = list(dict.fromkeys(kinds))
        schemas, self.components = msgspec.json.schema_components(
            self._kinds, schema_hook=_hook, ref_template="#/components/schemas/{name}"
        )
        self._schemas = dict(zip(self._kinds, schemas, strict=True))

    def reference(self, kind: Any) -> Schema:
        """The schema of a Struct, by reference."""
        schema: Schema = self._schemas[kind]
        return schema

    def query_parameters(self, kind: Any) -> list[Schema]:
        """The fields of a Struct as parameters of the query string."""
        schema = self._schemas[kind]
        if "$ref" in schema:
            schema = self.components[schema["$ref"].rpartition("/")[2]]
        return [
            {
                "name": name,
                "in": "query",
                "schema": {key: value for key, value in field.items() if key not in ("default", "description")},
                **({"description": field["description"]} if "description" in field else {}),
                **({"required": True} if name in schema.get("required", ()) else {}),
            }
            for name, field in schema.get("properties", {}).items()
        ]


def _hook(kind: type) -> Schema:
    """The schema of a type that msgspec does not know: said by its name."""
    return {"description": kind.__name__}
