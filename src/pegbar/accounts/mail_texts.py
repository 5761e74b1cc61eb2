"""The words of account mails, in every language of mails. Source: spec operations, "Outgoing mails".

Of each mail: its title (the subject is the title with the organisation) and its message. `{…}` are filled in escaped.
"""

CODE, CHANGED, CHANGED_FOR, RESET, INVITATION, DISABLED = (
    "code",
    "changed",
    "changed_for",
    "reset",
    "invitation",
    "disabled",
)

#: The greeting, and when and from where a mail was caused.
GREETINGS = {
    "en_US": "Hello {first_name},",
    "fr_FR": "Bonjour {first_name},",
    "es_ES": "Hola, {first_name}:",
    "ja_JP": "{first_name} 様",
    "de_DE": "Hallo {first_name},",
    "nl_NL": "Hallo {first_name},",
    "zh_CN": "{first_name}，您好：",
    "pt_BR": "Olá, {first_name},",
}
CAUSES = {
    "en_US": "Date: {date}. IP address: {address}.",
    "fr_FR": "Date : {date}. Adresse IP : {address}.",
    "es_ES": "Fecha: {date}. Dirección IP: {address}.",
    "ja_JP": "日時：{date}　IP アドレス：{address}",
    "de_DE": "Datum: {date}. IP-Adresse: {address}.",
    "nl_NL": "Datum: {date}. IP-adres: {address}.",
    "zh_CN": "时间：{date}。IP 地址：{address}。",
    "pt_BR": "Data: {date}. Endereço IP: {address}.",
}
#: What a link that sets a password says.
LINKS = {
    "en_US": "Set my password",
    "fr_FR": "Définir mon mot de passe",
    "es_ES": "Definir mi contraseña",
    "ja_JP": "パスワードを設定する",
    "de_DE": "Mein Passwort festlegen",
    "nl_NL": "Mijn wachtwoord instellen",
    "zh_CN": "设置我的密码",
    "pt_BR": "Definir minha senha",
}

TEXTS: dict[str, dict[str, tuple[str, str]]] = {
    "en_US": {
        CODE: (
            "Verification code",
            (
                "Your verification code is <strong>{code}</strong>. It is valid for 5 minutes. If you did not ask for it, "
                "somebody knows your password: change it."
            ),
        ),
        CHANGED: (
            "Password changed",
            "Your password was changed. If this was not you, ask your studio manager for help at once.",
        ),
        CHANGED_FOR: ("Password changed", "A studio manager changed your password and will tell you the new one."),
        RESET: (
            "Password recovery",
            (
                "A new password was asked for your account. The link below is valid for 2 hours. If you did not ask for "
                "it, ignore this mail."
            ),
        ),
        INVITATION: (
            "You are invited by {organisation} to join Kitsu",
            (
                "{organisation} invites you to join its team on Kitsu. Your login is {email}. Set your password with the "
                "link below, which is valid for 7 days."
            ),
        ),
        DISABLED: (
            "Two-factor authentication disabled",
            (
                "A studio manager disabled the two-factor authentication of your account. You can set it up again from "
                "your profile."
            ),
        ),
    },
    "fr_FR": {
        CODE: (
            "Code de vérification",
            (
                "Votre code de vérification est <strong>{code}</strong>. Il est valable 5 minutes. Si vous ne l’avez pas "
                "demandé, quelqu’un connaît votre mot de passe : changez-le."
            ),
        ),
        CHANGED: (
            "Mot de passe modifié",
            (
                "Votre mot de passe a été modifié. Si vous n’en êtes pas à l’origine, prévenez tout de suite le "
                "responsable du studio."
            ),
        ),
        CHANGED_FOR: (
            "Mot de passe modifié",
            "Un responsable du studio a modifié votre mot de passe et vous communiquera le nouveau.",
        ),
        RESET: (
            "Récupération du mot de passe",
            (
                "Un nouveau mot de passe a été demandé pour votre compte. Le lien ci-dessous est valable 2 heures. Si vous "
                "n’avez rien demandé, ignorez ce message."
            ),
        ),
        INVITATION: (
            "{organisation} vous invite à rejoindre Kitsu",
            (
                "{organisation} vous invite à rejoindre son équipe sur Kitsu. Votre identifiant est {email}. Définissez "
                "votre mot de passe avec le lien ci-dessous, valable 7 jours."
            ),
        ),
        DISABLED: (
            "Double authentification désactivée",
            (
                "Un responsable du studio a désactivé la double authentification de votre compte. Vous pouvez la remettre "
                "en place depuis votre profil."
            ),
        ),
    },
    "es_ES": {
        CODE: (
            "Código de verificación",
            (
                "Su código de verificación es <strong>{code}</strong>. Es válido durante 5 minutos. Si no lo ha "
                "solicitado, alguien conoce su contraseña: cámbiela."
            ),
        ),
        CHANGED: (
            "Contraseña modificada",
            "Su contraseña ha sido modificada. Si no ha sido usted, avise de inmediato al responsable del estudio.",
        ),
        CHANGED_FOR: (
            "Contraseña modificada",
            "Un responsable del estudio ha cambiado su contraseña y le comunicará la nueva.",
        ),
        RESET: (
            "Recuperación de contraseña",
            (
                "Se ha solicitado una nueva contraseña para su cuenta. El enlace siguiente es válido durante 2 horas. Si "
                "no la ha solicitado, ignore este mensaje."
            ),
        ),
        INVITATION: (
            "{organisation} le invita a unirse a Kitsu",
            (
                "{organisation} le invita a unirse a su equipo en Kitsu. Su usuario es {email}. Defina su contraseña con "
                "el enlace siguiente, válido durante 7 días."
            ),
        ),
        DISABLED: (
            "Autenticación de dos factores desactivada",
            (
                "Un responsable del estudio ha desactivado la autenticación de dos factores de su cuenta. Puede volver a "
                "configurarla desde su perfil."
            ),
        ),
    },
    "ja_JP": {
        CODE: (
            "確認コード",
            (
                "確認コードは <strong>{code}</strong> です。5 分間有効です。お心当たりがない場合は、"
                "第三者にパスワードを知られている可能性があります。パスワードを変更してください。"
            ),
        ),
        CHANGED: (
            "パスワードが変更されました",
            "パスワードが変更されました。お心当たりがない場合は、すぐにスタジオの管理者へご連絡ください。",
        ),
        CHANGED_FOR: (
            "パスワードが変更されました",
            "スタジオの管理者がパスワードを変更しました。新しいパスワードは管理者からお知らせします。",
        ),
        RESET: (
            "パスワードの再設定",
            (
                "アカウントのパスワード再設定が申請されました。下のリンクは 2 時間有効です。"
                "お心当たりがない場合は、このメールを無視してください。"
            ),
        ),
        INVITATION: (
            "{organisation} から Kitsu への招待",
            (
                "{organisation} が Kitsu のチームにあなたを招待しています。ログイン名は {email} です。"
                "下のリンク（7 日間有効）からパスワードを設定してください。"
            ),
        ),
        DISABLED: (
            "二要素認証が無効になりました",
            "スタジオの管理者がアカウントの二要素認証を無効にしました。プロフィールから再び設定できます。",
        ),
    },
    "de_DE": {
        CODE: (
            "Bestätigungscode",
            (
                "Ihr Bestätigungscode lautet <strong>{code}</strong>. Er gilt 5 Minuten. Wenn Sie ihn nicht angefordert "
                "haben, kennt jemand Ihr Passwort: Ändern Sie es."
            ),
        ),
        CHANGED: (
            "Passwort geändert",
            "Ihr Passwort wurde geändert. Wenn Sie das nicht waren, wenden Sie sich sofort an die Studioleitung.",
        ),
        CHANGED_FOR: (
            "Passwort geändert",
            "Die Studioleitung hat Ihr Passwort geändert und teilt Ihnen das neue mit.",
        ),
        RESET: (
            "Passwort wiederherstellen",
            (
                "Für Ihr Konto wurde ein neues Passwort angefordert. Der folgende Link gilt 2 Stunden. Wenn Sie nichts "
                "angefordert haben, ignorieren Sie diese Nachricht."
            ),
        ),
        INVITATION: (
            "{organisation} lädt Sie zu Kitsu ein",
            (
                "{organisation} lädt Sie in sein Team auf Kitsu ein. Ihr Login ist {email}. Legen Sie Ihr Passwort mit "
                "dem folgenden Link fest, der 7 Tage gilt."
            ),
        ),
        DISABLED: (
            "Zwei-Faktor-Authentifizierung deaktiviert",
            (
                "Die Studioleitung hat die Zwei-Faktor-Authentifizierung Ihres Kontos deaktiviert. Sie können sie in "
                "Ihrem Profil wieder einrichten."
            ),
        ),
    },
    "nl_NL": {
        CODE: (
            "Verificatiecode",
            (
                "Uw verificatiecode is <strong>{code}</strong>. De code is 5 minuten geldig. Hebt u er niet om gevraagd, "
                "dan kent iemand uw wachtwoord: wijzig het."
            ),
        ),
        CHANGED: (
            "Wachtwoord gewijzigd",
            "Uw wachtwoord is gewijzigd. Was u dit niet, waarschuw dan meteen de studiomanager.",
        ),
        CHANGED_FOR: (
            "Wachtwoord gewijzigd",
            "Een studiomanager heeft uw wachtwoord gewijzigd en laat u het nieuwe weten.",
        ),
        RESET: (
            "Wachtwoordherstel",
            (
                "Er is een nieuw wachtwoord aangevraagd voor uw account. De link hieronder is 2 uur geldig. Hebt u niets "
                "aangevraagd, negeer dan dit bericht."
            ),
        ),
        INVITATION: (
            "{organisation} nodigt u uit voor Kitsu",
            (
                "{organisation} nodigt u uit voor zijn team op Kitsu. Uw login is {email}. Stel uw wachtwoord in met de "
                "link hieronder, die 7 dagen geldig is."
            ),
        ),
        DISABLED: (
            "Tweestapsverificatie uitgeschakeld",
            (
                "Een studiomanager heeft de tweestapsverificatie van uw account uitgeschakeld. U kunt deze in uw profiel "
                "opnieuw instellen."
            ),
        ),
    },
    "zh_CN": {
        CODE: (
            "验证码",
            "您的验证码是 <strong>{code}</strong>，5 分钟内有效。如果不是您本人申请，说明有人知道您的密码，请立即修改。",
        ),
        CHANGED: ("密码已修改", "您的密码已修改。如果不是您本人操作，请立即联系工作室管理员。"),
        CHANGED_FOR: ("密码已修改", "工作室管理员修改了您的密码，并会告知您新密码。"),
        RESET: (
            "找回密码",
            "有人为您的账户申请了新密码。下面的链接 2 小时内有效。如果不是您本人申请，请忽略此邮件。",
        ),
        INVITATION: (
            "{organisation} 邀请您加入 Kitsu",
            "{organisation} 邀请您加入其 Kitsu 团队。您的登录名是 {email}。请通过下面的链接设置密码，链接 7 天内有效。",
        ),
        DISABLED: ("双重验证已停用", "工作室管理员停用了您账户的双重验证。您可以在个人资料中重新设置。"),
    },
    "pt_BR": {
        CODE: (
            "Código de verificação",
            (
                "Seu código de verificação é <strong>{code}</strong>. Ele é válido por 5 minutos. Se você não o pediu, "
                "alguém conhece sua senha: altere-a."
            ),
        ),
        CHANGED: (
            "Senha alterada",
            "Sua senha foi alterada. Se não foi você, avise imediatamente o gerente do estúdio.",
        ),
        CHANGED_FOR: ("Senha alterada", "Um gerente do estúdio alterou sua senha e informará a nova a você."),
        RESET: (
            "Recuperação de senha",
            (
                "Uma nova senha foi pedida para sua conta. O link abaixo é válido por 2 horas. Se você não pediu nada, "
                "ignore esta mensagem."
            ),
        ),
        INVITATION: (
            "{organisation} convida você para o Kitsu",
            (
                "{organisation} convida você para sua equipe no Kitsu. Seu login é {email}. Defina sua senha com o link "
                "abaixo, válido por 7 dias."
            ),
        ),
        DISABLED: (
            "Autenticação de dois fatores desativada",
            (
                "Um gerente do estúdio desativou a autenticação de dois fatores da sua conta. Você pode configurá-la "
                "novamente no seu perfil."
            ),
        ),
    },
}
