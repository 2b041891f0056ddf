"""Say every mail in Spanish."""

from billow.providers.letters import Language, Texts

TEXTS = {
    "invoice.due": Texts(
        "Factura {number} de {seller}: {amount}",
        "{amount} a pagar a más tardar el {due}.",
        "Factura {number}",
        ("{seller} le ha enviado una factura de {amount}.", "Páguela, por favor, a más tardar el {due}."),
        "Ver y pagar",
    ),
    "invoice.charged": Texts(
        "Factura {number} de {seller}: {amount}",
        "No tiene que hacer nada: {amount} se cobrará automáticamente.",
        "Factura {number}",
        (
            "{seller} le ha facturado {amount}.",
            "No tiene que hacer nada: el importe se carga a su método de pago.",
        ),
        "Ver factura",
    ),
    "invoice.paid": Texts(
        "Factura {number} de {seller}: {amount}",
        "Pagada. No tiene que hacer nada.",
        "La factura {number} está pagada",
        ("{seller} le ha facturado {amount}, y la factura está pagada. Gracias.", "No tiene que hacer nada."),
        "Ver factura",
    ),
    "zero_invoice.paid": Texts(
        "Factura {number} de {seller}: {amount}",
        "No hay nada que pagar.",
        "Factura {number}",
        ("{seller} le ha facturado {amount}: no hay nada que pagar.", "No tiene que hacer nada."),
        "Ver factura",
    ),
    "receipt.paid": Texts(
        "Su recibo de {seller}: {amount}",
        "Gracias. No tiene que hacer nada.",
        "Recibo",
        ("Hemos recibido su pago de {amount} el {date}. Gracias.", "No tiene que hacer nada."),
        "Ver recibo",
    ),
    "payment_failed.first": Texts(
        "Su pago a {seller} ha fallado: {amount}",
        "Lo intentaremos de nuevo el {next}. Ya puede actualizar su método de pago.",
        "Su pago no se ha podido realizar",
        (
            "Hemos intentado cobrar {amount} de la factura {number}. {reason}",
            "Lo intentaremos de nuevo el {next}. Si actualiza su método de pago, lo cobraremos al momento.",
        ),
        "Actualizar método de pago",
    ),
    "payment_failed.again": Texts(
        "Sigue pendiente: {amount} a {seller}",
        "El pago ha vuelto a fallar. Lo intentaremos otra vez el {next}.",
        "El pago ha vuelto a fallar",
        (
            "Hemos vuelto a intentar cobrar {amount} de la factura {number}, sin éxito. {reason}",
            "El próximo intento es el {next}. Con un método de pago nuevo queda pagada al momento.",
        ),
        "Actualizar método de pago",
    ),
    "payment_failed.last_try": Texts(
        "Último intento el {next}: {amount} a {seller}",
        "Después del {next} no lo intentaremos más.",
        "Queda un último intento",
        (
            "Siguen pendientes {amount} de la factura {number}. {reason}",
            "Lo intentaremos por última vez el {next}. Actualice antes, por favor, su método de pago.",
        ),
        "Actualizar método de pago",
    ),
    "payment_failed.waiting": Texts(
        "Necesitamos su método de pago: {amount} a {seller}",
        "Ya no podemos cobrar con su método de pago.",
        "Necesitamos otro método de pago",
        (
            "No hemos podido cobrar {amount} de la factura {number}. {reason}",
            "No volveremos a usar este método de pago. Añada otro, por favor: lo cobraremos al momento.",
        ),
        "Añadir método de pago",
    ),
    "payment_failed.given_up": Texts(
        "Sin pagar: {amount} a {seller}",
        "El último intento ha fallado.",
        "El último intento ha fallado",
        ("No se han podido cobrar {amount} de la factura {number}, y no lo intentaremos más. {reason}",),
        "Pagar ahora",
    ),
    "payment_action_required.first": Texts(
        "Confirme su pago a {seller}: {amount}",
        "Su banco le pide que lo confirme.",
        "Su banco le pide una confirmación",
        (
            "Su banco quiere que confirme el pago de {amount} de la factura {number}.",
            "Hasta entonces no se cobra nada. Es cosa de un minuto.",
        ),
        "Confirmar pago",
    ),
    "payment_action_required.again": Texts(
        "Recordatorio: confirme su pago a {seller}: {amount}",
        "El pago sigue a la espera de su confirmación.",
        "Todavía falta su confirmación",
        (
            "El pago de {amount} de la factura {number} sigue pendiente: su banco necesita su confirmación.",
            "Confírmelo ahora, por favor, o pague con otro método.",
        ),
        "Confirmar pago",
    ),
    "payment_recovered.paid": Texts(
        "Pagado, gracias: {amount} a {seller}",
        "Todo está en orden. No tiene que hacer nada.",
        "Su pago se ha realizado",
        (
            "{amount} de la factura {number} están pagados desde el {date}. Gracias.",
            "Todo está en orden; no tiene que hacer nada.",
        ),
        "Ver factura",
    ),
    "card_expiring.soon": Texts(
        "Su tarjeta en {seller} caduca pronto",
        "{card} caduca a finales de {month}.",
        "Su tarjeta caduca pronto",
        (
            "{card}, con la que paga sus compras en {seller}, es válida hasta finales de {month}.",
            "Añada, por favor, su nueva tarjeta para que su próximo pago se realice.",
        ),
        "Actualizar tarjeta",
    ),
    "invoice_overdue.first": Texts(
        "Vencida: factura {number} de {seller}, {amount}",
        "Venció el {due}.",
        "La factura {number} está vencida",
        (
            "Aún no hemos recibido {amount}, con vencimiento el {due}.",
            "Si ha pagado en los últimos días, no haga caso de este mensaje. De lo contrario, pague ahora,"
            " por favor.",
        ),
        "Pagar ahora",
    ),
    "invoice_overdue.again": Texts(
        "Recordatorio: factura {number} de {seller}, {amount}",
        "Venció el {due} y sigue sin pagar.",
        "La factura {number} sigue sin pagar",
        (
            "La factura {number} venció el {due}, y {amount} siguen pendientes.",
            "Páguela ahora, por favor, o responda a este mensaje si hay algún error.",
        ),
        "Pagar ahora",
    ),
    "refund.sent": Texts(
        "Reembolso de {seller}: {amount}",
        "El dinero está en camino.",
        "Le devolvemos {amount}",
        (
            "El {date} le hemos reembolsado {amount} en el método de pago que utilizó.",
            "No tiene que hacer nada. Los bancos tardan de cinco a diez días en mostrarlo.",
        ),
        "Ver recibo",
    ),
    "refund.transferred": Texts(
        "Reembolso de {seller}: {amount}",
        "El dinero está en camino.",
        "Le devolvemos {amount}",
        (
            "El {date} hemos transferido {amount} a su cuenta bancaria.",
            "No tiene que hacer nada. Los bancos tardan uno o dos días hábiles en mostrarlo.",
        ),
    ),
    "refund.account": Texts(
        "{seller} tiene que devolverle {amount}",
        "Necesitamos su cuenta bancaria.",
        "¿A qué cuenta le enviamos {amount}?",
        (
            "Nos ha transferido {amount} que no corresponden a ningún pago. Se los devolvemos, pero no"
            " conocemos su cuenta.",
            "Responda a este mensaje con el nombre del titular de la cuenta y el IBAN.",
        ),
    ),
    "credit_note.lowered": Texts(
        "Nota de crédito {credit_note} de {seller}: {amount}",
        "Su factura {number} baja en {amount}.",
        "Su factura baja en {amount}",
        (
            "Hemos abonado {amount} de la factura {number}. Quedan por pagar {left}.",
            "La nota de crédito va adjunta.",
        ),
        "Ver nota de crédito",
    ),
    "credit_note.closed": Texts(
        "Nota de crédito {credit_note} de {seller}: {amount}",
        "No queda nada por pagar de su factura {number}.",
        "No queda nada por pagar",
        (
            "Hemos abonado {amount} de la factura {number}. Ya no tiene que pagar nada.",
            "La nota de crédito va adjunta.",
        ),
        "Ver nota de crédito",
    ),
    "credit_note.refunded": Texts(
        "Nota de crédito {credit_note} de {seller}: {amount}",
        "Le reembolsamos {amount} de su factura {number}.",
        "Le devolvemos {amount}",
        (
            "Hemos abonado {amount} de la factura {number}, y los reembolsamos en el método de pago que"
            " utilizó.",
            "No tiene que hacer nada. Los bancos tardan de cinco a diez días en mostrarlo. La nota de"
            " crédito va adjunta.",
        ),
        "Ver nota de crédito",
    ),
    "credit_note.balance": Texts(
        "Nota de crédito {credit_note} de {seller}: {amount}",
        "Tiene un saldo a favor de {amount}.",
        "Tiene un saldo a favor de {amount}",
        (
            "Hemos abonado {amount} de la factura {number}. Los descontaremos de su próxima factura.",
            "No tiene que hacer nada. La nota de crédito va adjunta.",
        ),
        "Ver nota de crédito",
    ),
    "credit_note.issued": Texts(
        "Nota de crédito {credit_note} de {seller}: {amount}",
        "Hemos abonado {amount} de su factura {number}.",
        "Hemos abonado {amount}",
        (
            "Hemos abonado {amount} de la factura {number}.",
            "La nota de crédito va adjunta. En ella consta cómo recibe el importe.",
        ),
        "Ver nota de crédito",
    ),
    "subscription_canceled.requested": Texts(
        "Su suscripción en {seller} ha terminado",
        "{plan} terminó el {date}.",
        "Su suscripción ha terminado",
        ("{plan} terminó el {date}. Ya no se cobra.", "No tiene que hacer nada."),
    ),
    "subscription_canceled.unpaid": Texts(
        "Su suscripción en {seller} se ha cancelado",
        "{plan} terminó el {date} por falta de pago.",
        "Su suscripción se ha cancelado",
        (
            "{plan} terminó el {date}, porque no pudimos cobrar con su método de pago.",
            "Ya no se cobra. Si quiere continuar, póngase en contacto con {seller}.",
        ),
    ),
    "debit_notice.planned": Texts(
        "Adeudo el {date}: {amount} a {seller}",
        "No tiene que hacer nada: {amount} se cargan el {date}.",
        "Adeudo directo el {date}",
        (
            "El {date} cargaremos {amount} de la factura {number} en su cuenta terminada en {last4}.",
            "Es un adeudo directo SEPA con su mandato {mandate}; nuestro identificador de acreedor es"
            " {creditor}.",
            "Solo tiene que mantener saldo suficiente en la cuenta.",
        ),
        "Ver factura",
    ),
    "trial_ending.charged": Texts(
        "Su prueba en {seller} termina el {date}",
        "Después se cobrará {plan}.",
        "Su prueba termina el {date}",
        (
            "Su prueba de {plan} termina el {date}. Después se cobrará con su método de pago.",
            "Si quiere continuar, no tiene que hacer nada.",
        ),
    ),
    "trial_ending.no_method": Texts(
        "Su prueba en {seller} termina el {date}",
        "Añada un método de pago para continuar.",
        "Su prueba termina el {date}",
        ("Su prueba de {plan} termina el {date}. Para continuar después, añada un método de pago.",),
        "Añadir método de pago",
    ),
    "statement.monthly": Texts(
        "Su extracto de cuenta de {seller}, {month}",
        "Lo facturado, lo pagado y lo pendiente.",
        "Extracto de cuenta, {month}",
        (
            "Adjuntamos el extracto de su cuenta con {seller} de {month}.",
            "Muestra lo facturado y lo pagado, y lo pendiente con su vencimiento.",
        ),
    ),
    "portal_login.link": Texts(
        "Su enlace a {seller}",
        "Funciona una vez, durante 15 minutos.",
        "Abra su cuenta",
        (
            "Alguien, probablemente usted, ha pedido un enlace a su cuenta en {seller}.",
            "Funciona una vez, durante 15 minutos. Si no ha sido usted, no haga nada: nadie más tiene este"
            " enlace.",
        ),
        "Abrir mi cuenta",
    ),
    "cost_alert.reached": Texts(
        "Sus costes han alcanzado {limit}",
        "Usted pidió que le avisáramos.",
        "Sus costes han alcanzado {limit}",
        (
            "Los costes de su cuenta en {seller} en el periodo hasta el {date} han alcanzado {limit}. "
            "Usted pidió que le avisáramos.",
            "Hasta ahora son {amount}. No se detiene nada, y hay un solo aviso por periodo.",
        ),
    ),
    "dispute.opened": Texts(
        "Disputa: {amount}, responda hasta el {due}",
        "Un cliente disputa un pago.",
        "Se disputa un pago",
        (
            "Un cliente disputa el pago {number} de {amount}. El motivo de su banco: {reason_code}.",
            "Envíe sus pruebas a más tardar el {due}; sin ellas el dinero se pierde.",
        ),
    ),
}

LABELS = {
    "amount": "Importe",
    "number": "Factura",
    "due": "Vencimiento",
    "date": "Fecha",
    "card": "{brand} terminada en {last4}",
    "next": "Próximo intento",
    "method": "Método de pago",
    "plan": "Suscripción",
    "total": "Total",
    "refunded": "Reembolsado",
    "credit_note": "Nota de crédito",
    "month": "Válida hasta",
    "hello": "Hola, {name}:",
    "hello_nobody": "Hola:",
    "why": "Recibe este mensaje porque es cliente de {seller}.",
    "why_seller": "Recibe este mensaje porque billow factura para {seller}.",
    "contact": "¿Preguntas? Responda a este mensaje o escriba a {email}.",
}

NOTES = {
    "loss.cancel": "Si la factura no se paga a más tardar el {last}, {plan} se cancelará.",
    "loss.unpaid": "Si la factura no se paga a más tardar el {last}, {plan} se suspenderá.",
    "loss.past_due": "Si la factura no se paga a más tardar el {last}, nos pondremos en contacto por {plan}.",
    "lost.cancel": "Por eso {plan} se ha cancelado.",
    "lost.unpaid": "Por eso {plan} queda en suspenso hasta que se pague la factura.",
    "lost.past_due": "El importe sigue pendiente: páguelo ahora, por favor.",
}

REASONS = {
    "generic": "El banco ha rechazado el pago sin indicar el motivo.",
    "insufficient_funds": "Según el banco, no había saldo suficiente en la cuenta.",
    "expired_card": "La tarjeta ha caducado.",
    "incorrect_cvc": "El código de seguridad de la tarjeta no es correcto.",
    "incorrect_number": "El número de la tarjeta no es correcto.",
    "card_velocity_exceeded": "La tarjeta ha alcanzado su límite.",
    "processing_error": "El banco ha tenido un problema técnico.",
    "authentication_required": "El banco le pide que confirme el pago.",
    "missing_payment_method": "No hay ningún método de pago guardado.",
    "lost_card": "El banco ya no acepta esta tarjeta.",
    "stolen_card": "El banco ya no acepta esta tarjeta.",
    "pickup_card": "El banco ya no acepta esta tarjeta.",
    "revocation_of_authorization": "Se ha revocado la autorización para cobrar con este método de pago.",
    "revocation_of_all_authorizations": "Se ha revocado la autorización para cobrar con este método de pago.",
    "transaction_not_allowed": "La tarjeta no permite pagos de este tipo.",
    "payment_intent_authentication_failure": "El pago no se ha confirmado.",
    "setup_intent_authentication_failure": "El pago no se ha confirmado.",
    "payment_canceled": "El pago no se ha confirmado.",
    "currency_not_supported": "La tarjeta no admite esta moneda.",
}

SPANISH = Language("es", TEXTS, LABELS, NOTES, REASONS)
