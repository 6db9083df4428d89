/**
 * Українською те, що рушій та імпорт кажуть своїми англійськими реченнями: помилки, попередження, причини відмов. `{}` стоїть там, де
 * в реченні є щось своє; `{2}` є другим із них, а `{~}` таким, що й саме може бути з цих речень. Чи є тут усе, перевіряє
 * test/said.test.ts.
 */
import { sentence } from '#text/sentence'

type Table = readonly (readonly [english: string, ukrainian: string])[]

export const MESSAGES: Table = [
  // Нотатки, простори, дифи, зірки
  ['there is a space "{}" already', 'Простір «{}» уже є.'],
  ['a space needs a name', 'Простору потрібна назва.'],
  ["a space's name has at most {} characters", 'У назві простору може бути не більше символів, ніж {}.'],
  ['a name cannot hold control characters', 'У назві не може бути керівних символів.'],
  ['the space "{}" is deleted: restore it first', 'Простір «{}» вилучено: спершу поверніть його.'],
  [
    'the space "{}" is deleted already; notes edited since are still shown in it',
    'Простір «{}» уже вилучено; нотатки, змінені після того, ще видно в ньому.',
  ],
  ['there is no note "{}"', 'Цієї нотатки вже немає ({}).'],
  ['there is no {} "{}": give at least {} characters of its id', 'Такого вже немає: {2}.'],
  ['there is no {} "{}"', 'Такого вже немає: {2}.'],
  ['the note has no version {}', 'Такої версії нотатки немає ({}).'],
  ['the note "{}" is not in the trash', 'Нотатки «{}» немає в кошику.'],
  ['"{}" is not a day: write it as YYYY-MM-DD', '«{}» не є днем: напишіть його як РРРР-ММ-ДД.'],
  ['the diff "{}" has no paragraph {}: it has none', 'У дифі «{}» немає абзацу {}: він порожній.'],
  ['the diff "{}" has no paragraph {}: it has 0 to {}', 'У дифі «{}» немає абзацу {}: останній з них {}.'],
  ['there is no star "{}": a star\'s id is its diff\'s id, a colon and the paragraph', 'Цієї зірки вже немає ({}).'],
  ['there was no star "{}"', 'Такої зірки не було ({}).'],
  ['nothing is published as "{}"', 'Під «{}» нічого не опубліковано.'],
  [
    'this is published on {}, and not through {}: only a device that is signed in there can take it back',
    'Це опубліковано на {}, а не через {}: забрати його може лише пристрій, який увійшов там.',
  ],
  // Обліковий запис
  ['the session has ended: sign in again', 'Сеанс закінчився: увійдіть знову.'],
  [
    'this session has ended: on another device the password was changed or this device was revoked, or it was signed out: sign in again',
    'Сеанс закінчився: з іншого пристрою змінено пароль чи відкликано цей пристрій, або з нього вийшли: увійдіть знову.',
  ],
  [
    "the vault's keys were changed while this device was away: sign in again",
    'Поки цього пристрою не було, ключі сховища змінилися: увійдіть знову.',
  ],
  ['this device is not signed in to a server', 'Цей пристрій не увійшов на жоден сервер.'],
  ['this device does not belong to a vault yet', 'Цей пристрій ще не належить до жодного сховища.'],
  [
    'the server accepted the password but handed out keys that do not fit it: this server must not be trusted',
    'Сервер прийняв пароль, але видав ключі, які до нього не підходять: такому серверу не можна довіряти.',
  ],
  ['this vault has no passphrase, and cannot get one', 'Це сховище не має парольної фрази й не може її отримати.'],
  [
    'this is no access token: it must be a signed JWT, three parts with dots between',
    'Це не токен доступу: ним є підписаний JWT, три частини з крапками між ними.',
  ],
  [
    'a service token’s client id and secret are visible characters without spaces',
    'Ідентифікатор і секрет токена служби складаються з видимих символів без пробілів.',
  ],
  [
    'another device changed the password at the same moment, so this change was not made: sign in with the new password',
    'Тієї самої миті пароль змінив інший пристрій, тому цієї зміни не зроблено: увійдіть із новим паролем.',
  ],
  [
    "other devices keep changing the vault's keys: try again in a minute",
    'Інші пристрої саме змінюють ключі сховища: спробуйте знову за хвилину.',
  ],
  [
    'other devices keep writing, so the device could not be revoked: try again in a minute',
    'Інші пристрої саме пишуть, тому пристрій не вдалося відкликати: спробуйте знову за хвилину.',
  ],
  [
    'another device changed the password at the same moment, so nothing was revoked: try again with the new password',
    'Тієї самої миті пароль змінив інший пристрій, тому нічого не відкликано: спробуйте знову з новим паролем.',
  ],
  [
    'another device is giving the server back what it had lost: sync again in a moment',
    'Інший пристрій саме повертає серверу втрачене: синхронізуйте за мить ще раз.',
  ],
  [
    '"{}" is not a server address: use one like https://notes.example.org',
    '«{}» не є адресою сервера: напишіть таку, як https://notes.example.org',
  ],
  ['"{}" is not an http or https address', '«{}» не є адресою http чи https.'],
  ['a server address has no user name, query or fragment', 'В адресі сервера немає імені користувача, запиту чи фрагмента.'],
  [
    '{} answered {} and not as a Lockstep server does: check the address, and what stands in front of the server',
    '{} відповідає {}, і не так, як сервер Lockstep: перевірте адресу й те, що стоїть перед сервером.',
  ],
  // Сховище в цьому браузері
  ['this page was closed', 'Цю сторінку закрито.'],
  ['a part of the app could not be loaded: reload the page', 'Частину застосунку не вдалося завантажити: перезавантажте сторінку.'],
  ['the keys of this browser cannot be read: sign in again', 'Ключі цього браузера не читаються: увійдіть знову.'],
  [
    '{} of this device cannot be read: it is damaged, or was written by a newer Lockstep',
    'На цьому пристрої не читається {~}: його пошкоджено, або його писав новіший Lockstep.',
  ],
  [
    'a newer version of this app has this vault open: close this one and start it again',
    'Це сховище відкрито в новішій версії застосунку: закрийте цю й відкрийте знову.',
  ],
  [
    'this vault was written by a newer Lockstep (database version {}, this one knows {}): please update',
    'Це сховище писав новіший Lockstep (версія бази {}, а ця знає {}): оновіть застосунок.',
  ],
  [
    'this vault was written by a preview of Lockstep that was never released: export it with that version and import it into a new home',
    'Це сховище писала пробна версія Lockstep, якої ніколи не випускали: експортуйте його нею та імпортуйте в нове.',
  ],
  ['cannot open the database', 'Базу даних не вдалося відкрити.'],
  ['this vault is open in another tab of this browser', 'Це сховище відкрито в іншій вкладці цього браузера.'],
  ['this browser cannot store files for this page: {}', 'Цей браузер не може зберігати файли для цієї сторінки: {}.'],
  // Попередження синхронізації
  ["The clock of {} is {} ahead of this device's.", 'Годинник пристрою «{~}» поспішає проти цього на {~}.'],
  [
    "This device's clock is about {} hour ahead of the server's.",
    'Годинник цього пристрою поспішає проти серверного приблизно на {} год.',
  ],
  [
    "This device's clock is about {} hours ahead of the server's.",
    'Годинник цього пристрою поспішає проти серверного приблизно на {} год.',
  ],
  [
    "This device's clock is about {} hour behind the server's.",
    'Годинник цього пристрою відстає від серверного приблизно на {} год.',
  ],
  [
    "This device's clock is about {} hours behind the server's.",
    'Годинник цього пристрою відстає від серверного приблизно на {} год.',
  ],
  [
    'A sync moved {} of {} rows to the trash, as other devices had deleted them. If that was not meant, take them out of the trash again: they stay there for 30 days.',
    'Синхронізація перенесла до кошика {} із {} рядків, бо їх вилучили інші пристрої. Якщо це помилка, заберіть їх із кошика: вони лежать там 30 днів.',
  ],
  [
    'The server had lost everything that it held of this vault. Nothing is lost: this device gives back what it has.',
    'Сервер утратив усе, що мав із цього сховища. Нічого не пропало: цей пристрій повертає те, що має.',
  ],
  [
    'The server was put back to an earlier state and had lost the last segment of its log. Nothing is lost: this device gives back what it has.',
    'Сервер повернули до давнішого стану, і він утратив останній сегмент свого журналу. Нічого не пропало: цей пристрій повертає те, що має.',
  ],
  [
    'The server was put back to an earlier state and had lost the last {} segments of its log. Nothing is lost: this device gives back what it has.',
    'Сервер повернули до давнішого стану, і він утратив останні сегменти свого журналу ({}). Нічого не пропало: цей пристрій повертає те, що має.',
  ],
  [
    "The server's log was made anew since this device last saw it: it was put back, emptied or replaced. It has everything again.",
    'Відколи цей пристрій востаннє бачив сервер, його журнал створено заново: сервер повернули до давнішого стану, спорожнили або замінили. На ньому знову є все.',
  ],
  [
    "The server's log is another one than this device has followed: it was put back to an earlier state and written to since, or replaced. Nothing is lost: this device gives back what it has.",
    'Журнал сервера не той, за яким ішов цей пристрій: сервер повернули до давнішого стану й писали на нього далі, або замінили. Нічого не пропало: цей пристрій повертає те, що має.',
  ],
  [
    '"{}" was removed from {}. All that this device has of it is still here.',
    '«{}» прибрано з {}. Усе, що має цей пристрій, і далі тут.',
  ],
  ["Segment {} of the server's log was set aside: {}.", 'Сегмент {} журналу сервера відкладено, бо його не прочитати ({~}).'],
  ['The server left out segment {} of {}.', 'Сервер пропустив сегмент {}, автором якого є «{~}».'],
  [
    'The server keeps back segment {} of {}, which {} had seen before number {} of the log.',
    'Сервер приховує сегмент {}, автором якого є «{~}»: «{~}» бачив його ще до номера {} журналу.',
  ],
  [
    'The server shows this device another history of {} than its author wrote.',
    'Сервер показує цьому пристрою іншу історію, ніж написав «{~}».',
  ],
  ['The server handed out other segments than those it vouches for.', 'Сервер видав не ті сегменти, за які ручиться.'],
  [
    "The server handed out a change of the vault's keys that none of its devices made: this server must not be trusted.",
    'Сервер видав зміну ключів сховища, якої не робив жоден із пристроїв: такому серверу не можна довіряти.',
  ],
  [
    "Epoch {} of the vault's keys is another one on this server: the server was restored from an old backup, and then the keys were changed again. What this device has is safe here: export it, and import it in a home that signs in anew.",
    'Епоха {} ключів сховища на цьому сервері інша: його відновили зі старої копії, а потім ключі змінили знову. Що є на цьому пристрої, тут у безпеці: експортуйте це, увійдіть заново й імпортуйте.',
  ],
  [
    'the server has {} segments, but this device has received {} from it',
    'Сервер має сегментів: {}, а цей пристрій отримав від нього {}.',
  ],
  ['the server has another log than the one that this device knows', 'Журнал сервера не той, який знає цей пристрій.'],
  ['the merged segments {} to {} lack what {} had written there', 'В об’єднаних сегментах {}–{} бракує того, що написав «{~}».'],
  [
    'the server has lost segments that it had confirmed to this device',
    'Сервер утратив сегменти, отримання яких підтвердив цьому пристрою.',
  ],
  [
    'the server has lost {} of the segments that it had confirmed to this device',
    'Сервер утратив частину сегментів ({}), отримання яких підтвердив цьому пристрою.',
  ],
  [
    'the vault was written to while its state was being read: the next sync tries it again',
    'Поки читався стан сховища, у нього писали: наступна синхронізація спробує ще раз.',
  ],
  // Сервер, який поводиться не за протоколом
  ['an answer of the server is far larger than it can be', 'Відповідь сервера значно більша, ніж може бути.'],
  ['the server sent what is not JSON: is it a Lockstep server?', 'Сервер надіслав не JSON: чи це сервер Lockstep?'],
  [
    'the answer ended before the beginning of the log; what arrived is kept',
    'Відповідь закінчилася раніше, ніж дійшла до початку журналу; отримане збережено.',
  ],
  [
    'The server has {} segments by its own word but handed out only {}.',
    'Сервер, як сам каже, має сегментів: {}, а видав лише {}.',
  ],
  ['the server hands out its log in an order that it cannot have', 'Сервер видає свій журнал у порядку, якого не буває.'],
  ['the server left out segment {} of its log', 'Сервер пропустив сегмент {} свого журналу.'],
  [
    'the merged segments {} to {} cannot be read ({}): another device that has them can write them again with "doctor"',
    'Об’єднані сегменти {}–{} не прочитати ({~}): інший пристрій, який їх має, може записати їх знову командою «doctor».',
  ],
  ['the server left out a part of what ends at segment {}', 'Сервер пропустив частину того, що закінчується сегментом {}.'],
  ['segment {} was written for another place in the log', 'Сегмент {} писано для іншого місця в журналі.'],
  [
    'what the server hands out for the segments {} to {} was merged from another log than the one that this device knows',
    'Те, що сервер видає за сегменти {}–{}, об’єднано з іншого журналу, ніж знає цей пристрій.',
  ],
  ['the server refuses what it says it is waiting for', 'Сервер відмовляється від того, на що, як сам каже, чекає.'],
  [
    "the server says that epoch {} of the vault's keys has begun, and has nothing that opens it",
    'Сервер каже, що почалася епоха {} ключів сховища, але не має нічого, що її відкриває.',
  ],
  ['the server refused a segment without saying what it has', 'Сервер відмовився від сегмента й не сказав, що має.'],
  [
    '{} gave an answer that is not in the protocol: is it a Lockstep server of this version?',
    '{} відповідає не за протоколом: чи це сервер Lockstep цієї версії?',
  ],
  ['{} gave an answer that is not in the protocol', '{} відповідає не за протоколом.'],
  [
    '{} answered for another number of segments than it was sent',
    '{} відповідає про іншу кількість сегментів, ніж йому надіслано.',
  ],
  ['{} sent what is not in the protocol: {}', '{} надсилає те, чого немає в протоколі: {}.'],
  // Експорт та імпорт
  ['{}; {} of {} notes are imported, import again for the rest', '{~} Імпортовано нотаток: {} з {}, решту дасть повторний імпорт.'],
  ['the archive cannot be written: {}', 'Архів не вдалося записати: {}.'],
  ['this is not JSON: {}', 'Це не JSON: {}.'],
  [
    'this is not a Lockstep export: its "format" is not "lockstep-export"',
    'Це не експорт Lockstep: його "format" не є "lockstep-export".',
  ],
  [
    'this export has version {}, this release reads {}: update Lockstep',
    'Цей експорт має версію {}, а ця програма читає {}: оновіть Lockstep.',
  ],
  ['this export cannot be read: {}', 'Цей експорт не прочитати: {}.'],
  ['the tree has a file in "{}", which it does not list', 'У дереві є файл у «{}», якої в ньому не названо.'],
  ["the server's list of operations was cut off", 'Перелік операцій сервера обірвався.'],
  [
    'the server did not answer with a list of operations: is it a Dataans server?',
    'Сервер не відповів переліком операцій: чи це сервер Dataans?',
  ],
  ['this is not a Dataans export of version V1', 'Це не експорт Dataans версії V1.'],
  ["the profile's salt is not base64", 'Сіль профілю не є base64.'],
  [
    'this password and this passphrase are not the ones of this Dataans server: nothing was imported',
    'Пароль чи парольна фраза не від цього сервера Dataans: нічого не імпортовано.',
  ],
  ['this is not the password of this profile; {} more tries', 'Це не пароль цього профілю; залишилося спроб: {}.'],
  [
    'this is not the password of this profile; the profile is locked now, try again {}',
    'Це не пароль цього профілю; тепер його заблоковано, спробуйте {~}.',
  ],
  ['this is not the password of this profile', 'Це не пароль цього профілю.'],
  [
    'too many wrong passwords were tried for this profile: try again {}',
    'Для цього профілю випробувано забагато паролів: спробуйте {~}.',
  ],
  [
    '{} has no Dataans user: either nobody signed in there yet, or it is no Dataans server',
    '{} не має користувача Dataans: або там ще ніхто не входив, або це не сервер Dataans.',
  ],
  ['{} has no profile "{}"', '{} не має профілю «{}».'],
  ['{} did not answer as a Dataans server does', '{} відповідає не так, як сервер Dataans.'],
  ['{} did not answer as a diff·log server does', '{} відповідає не так, як сервер diff·log.'],
  ['{} sends an operation that has no end', '{} надсилає операцію без кінця.'],
  ["{} has more than {} operations: that is no person's", '{} має більше операцій, ніж {}: стільки не буває.'],
  ['{} answered with what is not JSON: is the address right?', '{} відповідає не JSON: чи правильна адреса?'],
  ['{} answered with far more than it should', '{} надсилає значно більше, ніж мав би.'],
  ['{} is no zip archive, or a damaged one', '{} не є архівом zip, або його пошкоджено.'],
  ['{} says it holds more than {} GiB of Markdown', '{} містить, як каже, більше Markdown, ніж {} ГіБ.'],
  ['{} has more than {} entries', '{} має більше записів, ніж {}.'],
  ['{} is no export of Lockstep or of Dataans', '{} не є експортом ні Lockstep, ні Dataans.'],
  ['{} is over the limit of {} MiB for one JSON file', '{} завеликий: межа для одного файлу JSON — {} МіБ.'],
  ['{} is not UTF-8', '{} не в UTF-8.'],
  ['{} cannot be read: {}', '{} не прочитати: {}.'],
  ['{} cannot be written: {}', '{} не вдалося записати: {}.'],
  ['{} answered {} {}', '{} відповідає {} ({}).'],
]

/** Чого імпорт не взяв і чому: що це, і що з ним. */
export const REFUSALS: Table = [
  ['is there twice', 'трапляється двічі'],
  ['has a path that is none below a folder', 'має шлях, якого не буває всередині теки'],
  ['is more than {} folders deep', 'лежить глибше, ніж за стільки тек: {}'],
  ['is locked with a password', 'замкнено паролем'],
  ['is over the limit of {} MiB for one note', 'перевищує межу для однієї нотатки, {} МіБ'],
  ['is over the limit of {} MiB', 'перевищує межу, {} МіБ'],
  ['cannot be read ({})', 'не прочитати ({~})'],
  ['cannot be read', 'не прочитати'],
  ['is not UTF-8 text', 'не є текстом в UTF-8'],
  ['is not UTF-8', 'не в UTF-8'],
  ['was there at first and then no more: import again', 'спершу було, а потім зникло: імпортуйте ще раз'],
  ['is another one here, which stays', 'тут інший, він і залишається'],
  ['has no id or no content', 'без ідентифікатора або без вмісту'],
  [
    'does not open with this password and passphrase, or was altered',
    'не відкривається цим паролем і парольною фразою, або його змінено',
  ],
  ['does not open with this password, or was altered', 'не відкривається цим паролем, або його змінено'],
  ['do not open with this password, or were altered', 'не відкриваються цим паролем, або їх змінено'],
  ['holds no text that this release knows', 'не містить тексту, який ця версія знає'],
  ['is of another kind, or too long', 'іншого роду, або задовге'],
  ['is too long or too many, or has a name that cannot be one here', 'задовгий, їх забагато, або має назву, якої тут не буває'],
  ['belongs to the diff {}, which is not there', 'належить дифу {}, якого там немає'],
  ['points at a paragraph that its diff does not have', 'вказує на абзац, якого в його дифі немає'],
  ['is of a kind that this release does not know', 'такого роду, якого ця версія не знає'],
  ['is kept under the id of another', 'лежить під чужим ідентифікатором'],
  ['is kept under another time', 'лежить під іншим часом'],
  ['does not match its checksum', 'не відповідає своїй контрольній сумі'],
  ['has no "{}"', 'не має "{}"'],
  ['has a "{}" of another type', 'має "{}" іншого типу'],
  ['has a "{}" that cannot be one', 'має "{}", якого не буває'],
  ['has a "{}" that is not bytes', 'має "{}" не з байтів'],
  ['is larger than a note can be', 'більше, ніж буває нотатка'],
  ['has a checksum that is too long', 'має задовгу контрольну суму'],
  ['{} of note {}', '{~} нотатки {}'],
  ['entry {}', 'запис {}'],
  ['space {}', 'простір {~}'],
  ['note {}', 'нотатка {~}'],
  ['file {}', 'файл {~}'],
  ['diff {}', 'диф {~}'],
  ['star {}', 'зірка {~}'],
  ['TLDR {}', 'TLDR {~}'],
  ['operation {}', 'операція {~}'],
  ['API key of {}', 'ключ API {}'],
  ['the API keys', 'ключі API'],
  ["the profile's {}", 'поле профілю {}'],
]

/** Чим буває своє в реченнях. */
const PARTS: Table = [
  ['{} days', '{} дн.'],
  ['{} hours', '{} год'],
  ['{} minutes', '{} хв'],
  ['in {} s', 'за {} с'],
  ['later', 'пізніше'],
  ['a device (replica {})', 'невідомий пристрій (репліка {})'],
  ['it is empty', 'він порожній'],
  ['number {}', 'номер {}'],
  ['no answer within {} seconds', 'немає відповіді протягом {} с'],
  ['damaged, or packed in a way that is not known: {}', 'пошкоджено, або запаковано невідомим способом: {}'],
  ['it holds less than it says', 'містить менше, ніж каже'],
  [
    'the segment is sealed with the key of epoch {}, which this device does not have',
    'його запечатано ключем епохи {}, якого цей пристрій не має',
  ],
  ['without an id', 'без ідентифікатора'],
  ['the key file', 'файл ключів'],
  ['the profile file', 'файл профілю'],
]

const SPECIAL = /[.*+?^${}()|[\]\\]/g

function compile(table: Table): (english: string) => string | undefined {
  const entries = table.map(([english, ukrainian]) => {
    const between = english.split('{}').map((literal) => literal.replace(SPECIAL, '\\$&'))
    return { pattern: new RegExp(`^${between.join('([^]+?)')}$`), ukrainian }
  })
  return (english) => {
    for (const { pattern, ukrainian } of entries) {
      const found = pattern.exec(english)
      if (found === null) continue
      let last = 0
      return ukrainian.replace(/\{([~\d]?)\}/g, (_, kind: string) => {
        last = /\d/.test(kind) ? Number(kind) : last + 1
        const own = found[last] ?? ''
        return kind === '~' ? (part(own) ?? own) : own
      })
    }
    return undefined
  }
}

const message = compile(MESSAGES)
const refusal = compile(REFUSALS)
const ownPart = compile(PARTS)
/** What may stand in one of these sentences. */
export const part = (english: string): string | undefined => ownPart(english) ?? refusal(english) ?? message(english)

/** A message or a warning. Of one that is not among them its own words, named as English ones. */
export const said = (english: string): string => message(english) ?? `Не вдалося. Докладніше англійською: ${sentence(english)}`

/** What an import did not take, or why. */
export const refused = (english: string): string => refusal(english) ?? english
