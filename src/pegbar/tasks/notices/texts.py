"""The words of notification messages, in every language of mails. Source: spec tasks, "Notifications", Mails/chat.

Of each kind: the subject and the sentence of the body. In both, `{author}`, `{task}`, `{status}`, `{playlist}` and
`{project}` are filled in: plainly in the subject, in the body made harmless and marked up.
"""

COMMENT, STATUS, MENTION, REPLY, REPLY_MENTION, ASSIGNATION, PLAYLIST, ENTRIES = (
    "comment",
    "status",
    "mention",
    "reply",
    "reply-mention",
    "assignation",
    "playlist-ready",
    "entries",
)

TEXTS: dict[str, dict[str, tuple[str, str]]] = {
    "en_US": {
        COMMENT: ("{author} commented on {task}", "{author} wrote a comment on {task}, which is now {status}:"),
        STATUS: ("{author} commented on {task}", "{author} changed the status of {task} to {status}."),
        MENTION: ("{author} mentioned you on {task}", "{author} mentioned you in a comment on {task}:"),
        REPLY: ("{author} replied on {task}", "{author} replied on {task}:"),
        REPLY_MENTION: ("{author} mentioned you on {task}", "{author} mentioned you in a reply on {task}:"),
        ASSIGNATION: ("You are assigned to {task}", "{author} assigned you to {task}."),
        PLAYLIST: (
            "The playlist {playlist} of {project} is ready for review",
            "{author} tells you that the playlist {playlist} of {project} is ready for review.",
        ),
        ENTRIES: ("", "It has {count} entries."),
    },
    "fr_FR": {
        COMMENT: (
            "{author} a commenté {task}",
            "{author} a écrit un commentaire sur {task}, dont le statut est {status} :",
        ),
        STATUS: ("{author} a commenté {task}", "{author} a changé le statut de {task} en {status}."),
        MENTION: ("{author} vous a mentionné sur {task}", "{author} vous a mentionné dans un commentaire sur {task} :"),
        REPLY: ("{author} a répondu sur {task}", "{author} a répondu sur {task} :"),
        REPLY_MENTION: (
            "{author} vous a mentionné sur {task}",
            "{author} vous a mentionné dans une réponse sur {task} :",
        ),
        ASSIGNATION: ("Vous êtes assigné à {task}", "{author} vous a assigné à {task}."),
        PLAYLIST: (
            "La playlist {playlist} de {project} est prête à être revue",
            "{author} vous informe que la playlist {playlist} de {project} est prête à être revue.",
        ),
        ENTRIES: ("", "Elle a {count} éléments."),
    },
    "es_ES": {
        COMMENT: (
            "{author} ha comentado {task}",
            "{author} ha escrito un comentario en {task}, cuyo estado es {status}:",
        ),
        STATUS: ("{author} ha comentado {task}", "{author} ha cambiado el estado de {task} a {status}."),
        MENTION: ("{author} te ha mencionado en {task}", "{author} te ha mencionado en un comentario de {task}:"),
        REPLY: ("{author} ha respondido en {task}", "{author} ha respondido en {task}:"),
        REPLY_MENTION: (
            "{author} te ha mencionado en {task}",
            "{author} te ha mencionado en una respuesta de {task}:",
        ),
        ASSIGNATION: ("Se te ha asignado {task}", "{author} te ha asignado {task}."),
        PLAYLIST: (
            "La lista {playlist} de {project} está lista para revisar",
            "{author} te informa de que la lista {playlist} de {project} está lista para revisar.",
        ),
        ENTRIES: ("", "Tiene {count} elementos."),
    },
    "ja_JP": {
        COMMENT: (
            "{author} さんが {task} にコメントしました",
            "{author} さんが {task} にコメントしました（ステータス：{status}）：",
        ),
        STATUS: (
            "{author} さんが {task} にコメントしました",
            "{author} さんが {task} のステータスを {status} に変更しました。",
        ),
        MENTION: (
            "{author} さんが {task} であなたをメンションしました",
            "{author} さんが {task} のコメントであなたをメンションしました：",
        ),
        REPLY: ("{author} さんが {task} で返信しました", "{author} さんが {task} で返信しました："),
        REPLY_MENTION: (
            "{author} さんが {task} であなたをメンションしました",
            "{author} さんが {task} の返信であなたをメンションしました：",
        ),
        ASSIGNATION: ("{task} に割り当てられました", "{author} さんがあなたを {task} に割り当てました。"),
        PLAYLIST: (
            "{project} のプレイリスト {playlist} をレビューできます",
            "{author} さんからのお知らせ：{project} のプレイリスト {playlist} をレビューできます。",
        ),
        ENTRIES: ("", "{count} 件あります。"),
    },
    "de_DE": {
        COMMENT: (
            "{author} hat {task} kommentiert",
            "{author} hat {task} kommentiert, der Status ist jetzt {status}:",
        ),
        STATUS: ("{author} hat {task} kommentiert", "{author} hat den Status von {task} auf {status} gesetzt."),
        MENTION: ("{author} hat dich bei {task} erwähnt", "{author} hat dich in einem Kommentar zu {task} erwähnt:"),
        REPLY: ("{author} hat bei {task} geantwortet", "{author} hat bei {task} geantwortet:"),
        REPLY_MENTION: (
            "{author} hat dich bei {task} erwähnt",
            "{author} hat dich in einer Antwort zu {task} erwähnt:",
        ),
        ASSIGNATION: ("Dir wurde {task} zugewiesen", "{author} hat dir {task} zugewiesen."),
        PLAYLIST: (
            "Die Playlist {playlist} von {project} kann geprüft werden",
            "{author} teilt dir mit, dass die Playlist {playlist} von {project} geprüft werden kann.",
        ),
        ENTRIES: ("", "Sie hat {count} Einträge."),
    },
    "nl_NL": {
        COMMENT: (
            "{author} heeft gereageerd op {task}",
            "{author} heeft een opmerking geschreven bij {task}, met de status {status}:",
        ),
        STATUS: ("{author} heeft gereageerd op {task}", "{author} heeft de status van {task} veranderd in {status}."),
        MENTION: (
            "{author} heeft je genoemd bij {task}",
            "{author} heeft je genoemd in een opmerking bij {task}:",
        ),
        REPLY: ("{author} heeft geantwoord bij {task}", "{author} heeft geantwoord bij {task}:"),
        REPLY_MENTION: (
            "{author} heeft je genoemd bij {task}",
            "{author} heeft je genoemd in een antwoord bij {task}:",
        ),
        ASSIGNATION: ("Je bent toegewezen aan {task}", "{author} heeft je toegewezen aan {task}."),
        PLAYLIST: (
            "De afspeellijst {playlist} van {project} is klaar voor beoordeling",
            "{author} laat je weten dat de afspeellijst {playlist} van {project} klaar is voor beoordeling.",
        ),
        ENTRIES: ("", "Deze heeft {count} onderdelen."),
    },
    "zh_CN": {
        COMMENT: ("{author} 评论了 {task}", "{author} 评论了 {task}，当前状态为 {status}："),
        STATUS: ("{author} 评论了 {task}", "{author} 将 {task} 的状态改为 {status}。"),
        MENTION: ("{author} 在 {task} 中提到了您", "{author} 在 {task} 的评论中提到了您："),
        REPLY: ("{author} 在 {task} 中回复", "{author} 在 {task} 中回复："),
        REPLY_MENTION: ("{author} 在 {task} 中提到了您", "{author} 在 {task} 的回复中提到了您："),
        ASSIGNATION: ("您被分配到 {task}", "{author} 将您分配到 {task}。"),
        PLAYLIST: (
            "{project} 的播放列表 {playlist} 可供审阅",
            "{author} 通知您：{project} 的播放列表 {playlist} 可供审阅。",
        ),
        ENTRIES: ("", "共 {count} 项。"),
    },
    "pt_BR": {
        COMMENT: (
            "{author} comentou em {task}",
            "{author} escreveu um comentário em {task}, cujo status é {status}:",
        ),
        STATUS: ("{author} comentou em {task}", "{author} mudou o status de {task} para {status}."),
        MENTION: ("{author} mencionou você em {task}", "{author} mencionou você em um comentário em {task}:"),
        REPLY: ("{author} respondeu em {task}", "{author} respondeu em {task}:"),
        REPLY_MENTION: ("{author} mencionou você em {task}", "{author} mencionou você em uma resposta em {task}:"),
        ASSIGNATION: ("Você foi designado para {task}", "{author} designou você para {task}."),
        PLAYLIST: (
            "A playlist {playlist} de {project} está pronta para revisão",
            "{author} avisa que a playlist {playlist} de {project} está pronta para revisão.",
        ),
        ENTRIES: ("", "Ela tem {count} itens."),
    },
}
