"""The full name of an entity, for hand-written statements. Source: spec user, "Notification item".

They name the tables: `e` the entity, `et` its type, `u` what it is in, `g` what that is in.
"""

#: `Ep / Seq / Shot`, `Ep / Seq`, `Ep`, and `Type / Name` of all others.
FULL_NAME = """
    CASE et.name WHEN 'Shot' THEN concat_ws(' / ', g.name, u.name, e.name)
                 WHEN 'Sequence' THEN concat_ws(' / ', u.name, e.name)
                 WHEN 'Episode' THEN e.name
                 ELSE concat_ws(' / ', et.name, e.name) END
"""

#: What the name needs, of a statement that has `e`.
JOINS = """
    LEFT JOIN entity_type et ON et.id = e.entity_type_id
    LEFT JOIN entity u ON u.id = e.parent_id
    LEFT JOIN entity g ON g.id = u.parent_id
"""
