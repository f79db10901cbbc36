"""Words that say nothing about anybody: the common words of conversation, of service calls and of numbers.

A word that is not here, and that nobody declared harmless, is taken for a name. Words that are names as well stay in
the vocabulary only if no call does without them; `NAMES_TOO` says which.
"""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of *text*, written without commas."""
    return frozenset(text.split())


_COMMON = """
a ability able about above abroad absolutely accept acceptable access accident accidentally according account accounts
across act action active activity actual actually add added adding addition additional address addresses adjust adult
adults advance advice afford afraid after afternoon afternoons afterwards again against age agent agents ago agree
agreed agreement ah ahead aid ain't air airport alarm alert alike all allow allowed allows almost alone along already
alright also although altogether always am amazing among amount amounts an and angry animal annoyed annoying another
answer answered answering answers any anybody anyhow anymore anyone anything anytime anyway anyways anywhere apart
apartment api apologies apologise apologize app apparently appear appears apple application applied apply appointment
appointments appreciate approve approved approximately april are area areas aren't arm around arrange arranged
arrangement arrival arrive arrived arrives arriving art article as ask asked asking asks asleep assist assistance
assistant assume assumed assure at ate atm attach attached attempt attempted attempts attend attention audio august
authority auto automatic automatically autumn available avenue average avoid await awake aware away awesome awful
awkward aye
baby back backup bad badly bag bags baker balance ball bank banking banks bar base based basic basically basis basket
bath bathroom battery be beach beautiful became because become becomes bed bedroom bedrooms been beer before began begin
beginning begins behind being believe bell belong below beside besides best bet better between beyond big bigger biggest
bike bill billed billing billion bills bird birth birthday birthdays bit bits black blank block blocked blocks blood
blue board boat body book booked booking bookings books boot boots bore bored boring born boss both bother bottle bottom
bought boulevard bowl box boxes boy boys branch brand bread break breakfast breaking bridge bright brilliant bring
bringing broke broken brother brothers brought brown budget build building built burn bus buses business busy but butter
button buttons buy buyer buying by bye
cab cable cake calendar call called caller callers calling calls calm came camera can can't cancel canceled cancellation
cancelled cancelling cannot cant capital car card cards care careful carefully carry carrying cars case cases cash cat
catch category caught cause caused causes cent center central centre cents certain certainly certificate chair chance
change changed changes changing charge charged charges charging chat cheap cheaper cheapest check checked checking
checkout checks cheers cheese chicken child children chips chocolate choice choices choose chose chosen church city
claim claims class classes clean cleaned cleaning clear cleared clearer clearly click clicked client clients clinic
clock close closed closer closes closing clothes club coat code codes coffee cold colleague colleagues collect collected
collecting collection college color colour com come comes comfort comfortable coming comma comment comments common
company compare complain complained complaint complaints complete completed completely computer computers concern
concerned concerns condition conditions confident confirm confirmation confirmed confirming confirms confuse confused
confusing confusion congratulations connect connected connecting connection consider considered contact contacted
contacts contain contains content continue contract control conversation cook cookies cool copies copy corner correct
corrected correction correctly cost costs couch cough could couldn't count counter countries country couple course court
cover covered covers crash crazy create created credit crescent cross crowd cry cup cups current currently custom
customer customers cut cuts cvv
dad daily damage damaged damages danger dangerous dark dash data date dates daughter daughters dawn day days dead deal
dealing deals dear debit debt december december's decide decided decimal decision deep definite definitely degree
degrees delay delayed delays delete deleted deliver delivered deliveries delivering delivers delivery demand dentist
deny depart department departments departure depend depending depends deposit describe description desk destination
detail details did didn't didnt die died difference different difficult difficulty digit digits dinner direct directions
directly director dirty disappointed disappointing disconnect disconnected discount discounts discuss dish dishes
dispatch display distance district divide do dob doctor doctors document documents does doesn't doesnt dog dogs doing
dollar dollars don't done dont door doors dot double doubt down download downstairs dozen draft dress drink drinks drive
driver drivers driving drop dropped dry due during duty
each ear earlier earliest early earn ease easier easiest easily east easy eat eating effect effort egg eggs eh eight
eighteen eighteenth eighth eightieth eighty either electric electricity electronic eleven eleventh else elsewhere email
emailed emails emergency empty enable end ended ending ends engine english enjoy enjoyed enough ensure enter entered
entering entire entirely entrance entry envelope equal er error errors especially estimate estimated eu euro euros even
evening evenings event events eventually ever every everybody everyday everyone everything everywhere evidence exact
exactly example excellent except exchange exchanged excited excuse exist existing exit expect expected expects expensive
experience experienced expert expiration expire expired expires expiry explain explained explaining explanation express
extend extended extension extra extremely eye eyes
face fact facts fail failed fails failure fair fairly faith fall fallen false familiar families family fancy fantastic
faq far fast faster father fault faulty favorite favour favourite fax fear feature features february fee feedback feel
feeling feelings feels fees feet fell felt few fewer field fifteen fifteenth fifth fiftieth fifty figure figured file
filed files fill filled film final finally find finding finds fine finger finish finished fire firm first fish fit fits
five fix fixed fixing flat flats flight flights floor flower flowers fly flying focus folder follow followed following
food foot for force foreign forever forget forgive forgot forgotten form format former forms forth fortunately forty
forward found four fourteen fourteenth fourth frame fraud free frequent fresh friday fridays fridge friend friendly
friends from front fruit frustrated frustrating fuel full fully fun function funny furniture further future
game games garage garden gas gate gather gave general generally gentleman get gets getting gift gifts girl girls give
given gives giving glad glass glasses go goes going gold gone gonna good goodbye goodness goods gosh got gotta gotten
government gps grab grace grand great greatly green greeting greetings grey grocery ground group groups grow guarantee
guess guest guests guidance guide guy guys
ha had hadn't hair half hall ham hand handed handle handled handling hands hang happen happened happening happens happy
hard hardly has hashtag hasn't hat hate have haven't having he he'd he'll he's head headache heads health healthy hear
heard hearing heart heat heating heavy held hello help helped helpful helping helps her here hers herself hey hi high
higher highest highly hill him himself his history hit hm hmm hmmm hold holding hole holiday holidays home hope
hopefully hoping horrible horse hospital host hot hotel hotels hour hours house household houses how however html http
https huge huh human hundred hundreds hundredth hung hungry hurry hurt husband hyphen
i i'd i'll i'm i've iban ice id idea ideas identification identify identity if ignore ill image imagine immediate
immediately important impossible improve in inch inches include included includes including income incoming incorrect
incorrectly increase increased indeed indicate info inform information informed initial initially initials inner input
inquire inquiry inside insist install installed instead instruction instructions insurance intend interest interested
interesting internal international internet interrupt into introduce invalid invite invoice invoices involved is isn't
issue issued issues it it'd it'll it's item items its itself
jacket january january's job jobs join joined joke joy json juice july jump june just
keep keeping keeps kept key keyboard keypad keys kid kids kilo kilometers kilos kind kindly kinds king kitchen knee
knew know knowing known knows
label lack ladies lady land landline lane language laptop large larger largest last lasts late lately later latest laugh
law lawyer lay lead leak leaking learn learned least leather leave leaves leaving led left leg legal lend length less
lesson let let's lets letter letters letting level library lid lie life lift light lights like liked likely likes limit
limited limits line lines link links list listed listen listening little live lived lives living load loan local located
location locations lock locked log logged login long longer longest look looked looking looks loose lose losing lost lot
lots loud louder lounge love loved lovely low lower lowest luck luckily lucky luggage lunch
ma'am machine mad madam made magazine mail mailbox mailed mailto main mainly maintenance major make makes making male
man manage managed management manager managers manual many map march mark market married match matter matters maximum
may maybe me meal meals mean meaning means meant meanwhile measure meat medical medication medicine medium meet meeting
meetings member members membership men mention mentioned menu message messages met meter method midday middle midnight
might mile miles milk million min mind mine minimum minor minus minute minutes mirror miss missed missing mistake
mistaken mistakes misunderstood mix mm mobile mode model modern modify mom moment moments monday mondays money monitor
month monthly months mood more moreover morning mornings most mostly mother motor mouth move moved movie moving mr mrs
ms much multiple mum music must mustn't my myself
nah name named names nan natural naturally nature naught near nearby nearest nearly necessary neck need needed needing
needs negative neighbor neighborhood neighbour neither nervous net network never nevertheless new news newspaper next
nice nicely night nights nine nineteen nineteenth ninetieth ninety ninth no nobody noise noisy none noon nope nor normal
normally north nose not note noted notes nothing notice noticed notification nought november now nowadays nowhere
nuisance null number numbers nurse nut
o'clock object obvious obviously occasion occur occurred ocean october odd of off offer offered offering offers office
officer offices official often oh oil ok okay old older on once one ones oneself online only onto oops open opened
opening opens operate operator opinion opportunity opposite option options or orange order ordered ordering orders
ordinary org organisation organization original originally other others otherwise ouch ought our ours ourselves out
outside outstanding oven over overall overdue overnight overseas owe owed owes own owner
pack package packages packed packet page pages paid pain pair pants paper papers paperwork parcel parcels pardon parent
parents park parking part partially particular particularly partner parts party pass passed passenger passengers
passport password past path patience patient patients pause pay payed paying payment payments pays pdf pen pence pending
people pepper per percent perfect perfectly perhaps period permission permit person personal personally persons pet
petrol pharmacy phone phoned phones photo photos pick picked picking pickup picture pictures piece pieces pile pill
pills pin pink pipe pizza pizzas place placed places placing plain plan plane planned planning plans plant plastic plate
platform play played player playing plays pleasant please pleased pleasure plenty plug plus pm pocket point points
police policies policy polite pool poor pop popular porch position positive possibility possible possibly post postal
postcode posted potato potatoes pound pounds power practice prefer preferably preferred premium prepare prepared
prescription present press pressed pressing pressure pretty prevent previous previously price prices print printed
printer prior priority private probably problem problems procedure proceed process processed processing produce product
products professional program programme progress promise promised proof proper properly property protect protection
provide provided provider provides providing public pull pulled purchase purchased purchases purple purpose purse push
put puts putting
quality quantity quarter query question questions queue quick quicker quickly quiet quietly quit quite quote
radio rail rain raining raise raised ran rang range rare rate rates rather reach reached reaching reaction read reader
reading ready real realise realize realized really reason reasonable reasons recall receipt receipts receive received
receiving recent recently reception recognise recognize recommend recommended record recorded recording records recover
red reduce reduced refer reference refund refunded refunds refuse refused regard regarding regards regional register
registered registration regret regular regularly reject related release remain remaining remains remember remind
reminder remote remove removed renew renewal rent rental repair repaired repairs repeat repeated repeating replace
replaced replacement replacing reply report reported reports represent representative request requested requesting
requests require required requirement requirements requires reschedule rescheduled reservation reservations reserve
reserved reset resolve resolved respond response rest restart restaurant restaurants result results return returned
returning returns review reviews rice rich rid ride right ring ringing rings risk river road roads robot rock roof room
rooms rose rough roughly round route router row rubbish rude rule rules run running runs rush
sad safe safely safety said salad sale sales salt same sandwich sat satisfied saturday saturdays sauce save saved saving
savings saw say saying says scale scan scared schedule scheduled scheme school schools score screen sea search searching
season seat seats second secondly seconds secret section secure security see seeing seem seemed seems seen select
selected sell seller selling send sender sending sends senior sense sent sentence separate separately september series
serious seriously serve service services session set sets setting settings settle seven seventeen seventeenth seventh
seventy several shall shame shape share sharp she she'd she'll she's sheet shelf shift ship shipment shipments shipped
shipping ships shirt shirts shock shoe shoes shop shopping shops short shortly should shoulder shouldn't shout show
showed shower showing shown shows shut sick side sign signal signature signed silence silly silver similar simple simply
since sing single sink sir sister sisters sit site sitting situation six sixteen sixteenth sixth sixtieth sixty size
sizes skin skip sky slash sleep slept slight slightly slip slot slots slow slower slowly small smaller smallest smart
smell smoke smoking smooth sms snow so soap sock socks sofa soft software sold solution solve solved some somebody
somehow someone something sometime sometimes somewhat somewhere son song soon sooner sorry sort sorted sorts sound
sounded sounding sounds soup source south space spam spare speak speaker speaking speaks special specialist specific
specifically speed spell spelled spelling spelt spend spending spent spoke spoken spoon sport sports spot spring square
ssn staff stage stairs stamp stand standard standing stands star start started starting starts state stated statement
states station stations status stay stayed staying steak steal step steps stick still stock stole stolen stomach stone
stood stop stopped stopping stops storage store stores stories storm story straight strange street streets stress strict
strong stuck student students study stuff stupid style subject submit submitted subscription subtotal such sudden
suddenly sugar suggest suggested suggestion suggestions suit suitable sum summer sun sunday sundays sunny supper
supplier supply support suppose supposed sure surely surgery surname surprise surprised surprising sweet switch switched
symptom symptoms system systems
table tables tablet tablets take taken takes taking talk talked talking talks tall tap tape task taste tax taxes taxi
tea teach teacher team teams tech technical technician teeth telephone television tell telling tells temperature
temporary ten tend tenth term terms terrace terrible terribly test tested testing tests text texts than thank thanks
that that'd that'll that's the theater theatre their theirs them themselves then there there'll there's therefore these
they they'd they'll they're they've thick thin thing things think thinking thinks third thirdly thirsty thirteen
thirteenth thirtieth thirty this those though thought thoughts thousand thousands thousandth threat three threw through
throughout throw thrown thursday thursdays thus ticket tickets tie tight till time times tiny tip tired title to today
today's together toilet told tomato tomatoes tomorrow tone tonight too took tool tools tooth top topic total totally
touch tough tour tourist toward towards tower town track tracked tracking traffic train trains transaction transactions
transfer transferred transferring transfers translate transport trash travel traveling travelling treat treatment tree
trees trial tried tries trip triple trips trouble truck true truly trust truth try trying tube tuesday tuesdays turn
turned turning turns tv twelfth twelve twentieth twenty twice twin two type types typical typically tyre
ugh uh uk um umbrella umm unable uncle under underneath underscore understand understanding understands understood
unfortunately unhappy uniform union unit units university unknown unless unlike unlikely unlock until unusual up
upcoming update updated updates updating upgrade upon upper upset upstairs urgent urgently url us usa usable usage use
used useful user username uses using usual usually
vacation valid valuable value van various vat vegetable vegetables vegetarian vehicle vehicles verification verified
verify version very via video view village visa visit visited visiting visitor visitors vocal voice voicemail volume
voucher
wait waited waiter waiting waits wake walk walked walking wall wallet wanna want wanted wanting wants war warm warn
warning warranty was wash washing wasn't waste watch watching water way ways we we'd we'll we're we've weak wear wearing
weather web website wednesday wednesdays week weekday weekdays weekend weekends weekly weeks weight weird welcome well
went were weren't west wet what what's whatever wheel when when's whenever where where's wherever whether which
whichever while whistle white who who'd who's whoever whole whom whose why wide wife wifi will willing win wind window
windows wine winter wireless wise wish wished wishes with withdraw withdrawal within without woke woman women won won't
wonder wonderful wondering wood word words wore work worked worker working works world worn worried worries worry worse
worst worth would wouldn't wow wrap write writes writing written wrong wrote www
yard yeah year yearly years yellow yep yes yesterday yet you you'd you'll you're you've young younger your yours
yourself yourselves youth yup
zero zip zone
"""

COMMON = words(_COMMON)
"""Nearly three thousand words, in lower case."""

NAMES_TOO = words(
    """
    april art august baker banks bell best bill bird black blue boot brand bridge bright brown burn cash chance church
    coffee cook cross dawn day early east english fair faith field fine fish flower flowers free friend garden gift
    glass gold good grace grand green grey guest guide guy hall hill hope horse ill joy june king lane law little long
    love lovely lucky major man march mark may miles mine noon north old orange page park patience pepper pink
    plant pool pretty price rain rice rich ring river road rock rose rush sharp short silver sky small smart snow son
    south speaker spring star stick stone storm strange strong summer sun sunny sweet tower tree trust van wall warm
    well west white will winter wise wish wood young
    """
)
"""Common words that people are called, too."""

ALWAYS_CAPITAL = words(
    """
    i i'd i'll i'm i've monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays
    fridays saturdays sundays january february july september october november december ok tv mr mrs ms dr miss pm am
    visa url pin zip english iban ssn sms pdf id atm cvv vat dob usa us uk eu api faq gps
    """
)
"""Words whose capital says nothing."""

MONTHS = words("january february march april may june july august september october november december")

FUNCTION = words(
    """
    a about after all also am an and any are aren't as at be because been before being but by can can't could did didn't
    do does doesn't doing don't else for from get had has have he her here his how i i'd i'll i'm i've if in into is
    isn't it it's its just me my no not now of off oh okay on one only or our out over please she should so some than
    thank thanks that that's the their them then there these they this those to too um uh up us was wasn't we were what
    when where which who why with would yes yeah yet you you're your calling speaking
    """
)
"""Words that hold a sentence together; a name ends where one of them begins."""

MODAL = words("will may well best good little long please")
"""Words that no talk does without: they count as names only where somebody introduces himself."""

PREDICATES = words(
    """
    cash early english fair fine free good ill large little long lovely low lucky mine old pretty rich sharp short
    small smart strange strong sunny sweet warm well white wise young
    """
)
"""What people say of themselves and of things after `I'm` and `it's`; they are names there only before another one."""
