//! The people of the demo and what they say.

/// The password of everybody. It is public.
pub(super) const PASSWORD: &str = "walk-in-and-look";

/// A person of the demo.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) username: &'static str,
    pub(super) display_name: &'static str,
    pub(super) is_bot: bool,
}

const fn person(username: &'static str, display_name: &'static str) -> Person {
    Person { username, display_name, is_bot: false }
}

/// Everybody. The first one is who most visitors look around as.
pub(super) const PEOPLE: [Person; 6] = [
    person("ada", "Ada Bell"),
    person("grace", "Grace Okafor"),
    person("linus", "Linus Berg"),
    person("mei", "Mei Tanaka"),
    person("omar", "Omar Haddad"),
    Person { username: "pip", display_name: "Pip (bot)", is_bot: true },
];

pub(super) const ADA: usize = 0;
pub(super) const GRACE: usize = 1;
pub(super) const LINUS: usize = 2;
pub(super) const MEI: usize = 3;
pub(super) const OMAR: usize = 4;
pub(super) const PIP: usize = 5;

/// A group and its talk: who says what, in order.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) lines: &'static [(usize, &'static str)],
}

/// The group in which people go on talking.
pub(super) const LOUNGE: Group = Group {
    title: "Lounge",
    lines: &[
        (GRACE, "Morning! The coffee machine is fixed 🎉"),
        (LINUS, "Finally. I had started to bring a thermos."),
        (MEI, "You can keep bringing it. The new beans are *very* strong."),
        (OMAR, "Strong is good."),
        (ADA, "I will try one after the stand-up."),
        (MEI, "Does anybody have a plan for lunch on Thursday?"),
        (GRACE, "There is the new place at the corner: https://example.com/menu"),
        (OMAR, "They have lentil soup. I am in."),
        (LINUS, "Me too, if we go before noon."),
        (ADA, "12:00 at the door then?"),
        (GRACE, "👍"),
        (MEI, "I took a picture of the sunrise from the train, it was all pink."),
        (LINUS, "I was asleep on that train."),
        (OMAR, "We know. You were talking about semicolons."),
        (LINUS, "Somebody has to."),
        (ADA, "😂"),
        (GRACE, "Somebody has left a plant on my desk. Thank you, it is lovely!"),
        (MEI, "It needed a better window than mine."),
        (OMAR, "What is its name?"),
        (GRACE, "Gregor. It looks like a Gregor."),
        (ADA, "Gregor it is."),
        (LINUS, "Does anyone want to play table tennis later? I need to lose to somebody."),
        (OMAR, "I can help with that."),
        (MEI, "I will keep the score, and nobody argues with me."),
    ],
};

/// The group about work.
pub(super) const WORK: Group = Group {
    title: "Release 2.0",
    lines: &[
        (LINUS, "The list is down to four items. Two are mine."),
        (ADA, "I can take the migration guide."),
        (MEI, "The new icons are in the folder. Please look at them on a small screen."),
        (GRACE, "They look good on my phone. The bell is a bit thin in dark mode."),
        (MEI, "Fixed, look again."),
        (GRACE, "Perfect."),
        (OMAR, "The load test ran through the night. Nothing was lost, p99 was 41 ms."),
        (LINUS, "```\nsends      18,204,113\nrefused             0\nduplicates          0\n```"),
        (ADA, "That is a nice table."),
        (OMAR, "I nearly framed it."),
        (GRACE, "Who writes the announcement?"),
        (ADA, "I have a draft. Three sentences, no adjectives."),
        (MEI, "One adjective. Please."),
        (ADA, "You may choose it."),
        (MEI, "\"calm\""),
        (LINUS, "> no adjectives\n\nI liked that rule."),
        (OMAR, "Can we move the release to Tuesday? Nobody should be on call on a Friday night."),
        (GRACE, "Yes. Tuesday, ten o'clock."),
        (ADA, "Then the guide will even have pictures."),
        (LINUS, "Both of my items are done. What is left is documentation, as always."),
    ],
};

/// What people say in turns, so that there is something to scroll through.
pub(super) const UPDATES: [&str; 12] = [
    "Yesterday: reviews. Today: the settings dialog.",
    "I fixed the flaky test. It was the clock, it is always the clock.",
    "Half of today is meetings. If you need me, write here.",
    "The search index is rebuilt in four minutes now, it was eleven.",
    "I read through the error messages and made nine of them shorter.",
    "Looking into why the fans of the build server are so loud.",
    "The translations came back. German needs wider buttons, as expected.",
    "I paired with the new colleague. We both learned something.",
    "Upgraded the dependencies. One of them has renamed everything, twice.",
    "Writing down what we decided on Monday before we forget it.",
    "The dashboard has a dark mode now. My eyes say thank you.",
    "Today I delete code. It will be a good day.",
];

/// Short replies to them.
pub(super) const REPLIES: [&str; 8] = [
    "Nice!",
    "Sounds good.",
    "Let me know if you need a second pair of eyes.",
    "👏",
    "That explains a lot.",
    "I can look at it after lunch.",
    "Please add it to the notes.",
    "🎉",
];

/// What the first person of a direct conversation and the other one say.
pub(super) const DIRECT: [(&str, &str); 6] = [
    ("Do you have five minutes today?", "After three, yes."),
    ("I sent you the notes from this morning.", "Got them, thank you!"),
    (
        "Could you look at the second page? I am not sure about the numbers.",
        "They look right to me.",
    ),
    ("Are you coming on Thursday?", "Wouldn't miss it."),
    ("The link you sent does not open for me.", "Try this one: https://example.com/notes"),
    ("That works, thanks.", "🙂"),
];

/// Answers to somebody who writes.
pub(super) const ANSWERS: [&str; 8] = [
    "Good question. Let me think about it.",
    "Ha, I was about to ask you the same.",
    "Sure, I will have a look.",
    "I am on it.",
    "Can you tell me a bit more?",
    "That makes sense to me.",
    "Give me a minute, I am just getting coffee.",
    "Agreed. Shall we tell the others?",
];

/// What the bot explains, one after the other.
pub(super) const TIPS: [&str; 6] = [
    "Hello! I am a bot. I read what you write, I type for a moment, and then I answer.",
    "Open a second tab and log in as somebody else: you can talk to yourself there.",
    "Pull the network cable, write something, and put it back: it is sent once, in order.",
    "Stop the server and start it again without --demo, and everything of the demo is gone.",
    "*Bold*, _italic_, `code` and lists work. So do reactions: hold a message or point at it.",
    "That was all I know. The rest is in the documentation, at /docs.",
];

/// What people say in the lounge while nobody asks them.
pub(super) const SMALL_TALK: [&str; 10] = [
    "It has started to rain here.",
    "Has anybody seen my headphones?",
    "There is cake in the kitchen. It will not be there for long.",
    "I have just found out that the printer has a name.",
    "The meeting room is free again.",
    "Gregor has a new leaf 🌱",
    "Who is up for a walk at four?",
    "I have closed forty tabs. I feel lighter.",
    "The new build is out, and it is green.",
    "Today I learned that octopuses have three hearts.",
];
