"""Routes of departments. Source: spec accounts, the operations on departments."""

from typing import Any
from uuid import UUID

from pegbar.accounts.departments import queries
from pegbar.accounts.departments.actions import HARDWARE, LICENSES, check_department
from pegbar.accounts.people.shapes import OUTSIDERS
from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.http.access import Caller, admin, authenticated
from pegbar.core.http.body import Strict
from pegbar.core.http.routing import delete, get, path_uuid, post

_TAG = "Departments"


class License(Strict):
    """The program to give."""

    software_id: UUID


class Machine(Strict):
    """The machine to give."""

    hardware_item_id: UUID


@get("/data/departments/software-licenses", access=admin, tag=_TAG)
async def licenses(db: Database) -> Json:
    """The programs of each department."""
    return await LICENSES.by_department(db)


@get("/data/departments/hardware-items", access=admin, tag=_TAG)
async def hardware(db: Database) -> Json:
    """The hardware of each department."""
    return await HARDWARE.by_department(db)


@post("/data/departments/{department_id:str}/software-licenses", access=admin, tag=_TAG, errors=(400, 404))
async def give_license(department_id: str, body: License, tx: Transaction) -> Json:
    """Give a department a program, which it may have already."""
    return await LICENSES.give(tx, path_uuid(department_id), body.software_id)


@post("/data/departments/{department_id:str}/hardware-items", access=admin, tag=_TAG, errors=(400, 404))
async def give_hardware(department_id: str, body: Machine, tx: Transaction) -> Json:
    """Give a department a machine, which it may have already."""
    return await HARDWARE.give(tx, path_uuid(department_id), body.hardware_item_id)


@get("/data/departments/{department_id:str}/software-licenses/{software_id:str}", access=admin, tag=_TAG, errors=(404,))
async def license_of(department_id: str, software_id: str, db: Database) -> Json:
    """A program that a department has."""
    return await LICENSES.of_department(db, path_uuid(department_id), path_uuid(software_id))


@get(
    "/data/departments/{department_id:str}/hardware-items/{hardware_item_id:str}",
    access=admin,
    tag=_TAG,
    errors=(404,),
)
async def hardware_of(department_id: str, hardware_item_id: str, db: Database) -> Json:
    """A machine that a department has."""
    return await HARDWARE.of_department(db, path_uuid(department_id), path_uuid(hardware_item_id))


@delete("/data/departments/{department_id:str}/software-licenses/{software_id:str}", access=admin, tag=_TAG)
async def take_license(department_id: str, software_id: str, tx: Transaction) -> None:
    """Take a program from a department, which need not have it."""
    await LICENSES.take(tx, path_uuid(department_id), path_uuid(software_id))


@delete("/data/departments/{department_id:str}/hardware-items/{hardware_item_id:str}", access=admin, tag=_TAG)
async def take_hardware(department_id: str, hardware_item_id: str, tx: Transaction) -> None:
    """Take a machine from a department, which need not have it."""
    await HARDWARE.take(tx, path_uuid(department_id), path_uuid(hardware_item_id))


@get("/data/departments/{department_id:str}/persons", access=authenticated, tag=_TAG, errors=(400, 404))
async def members(department_id: str, db: Database, caller: Caller) -> Any:
    """The people of a department, by name; for clients and vendors, those of their open productions."""
    key = path_uuid(department_id)
    await check_department(db, key)
    statement = queries.members(queries.members_wire(caller), only_team_mates=caller.role in OUTSIDERS)
    return await db.json(statement, department_id=key)
